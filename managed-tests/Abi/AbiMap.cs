using System;
using System.Collections.Generic;

namespace Ftrace.Tests.Abi;

/// <summary>What belongs together in C and C#, and every exception from the rules with its reason.</summary>
internal sealed class AbiMap
{
    /// <summary>The version node of the symbols that the first version had.</summary>
    public required string Node { get; init; }

    /// <summary>Symbols that came later, and their nodes.</summary>
    public Dictionary<string, string> LaterNodes { get; init; } = [];

    public string NodeOf(string name) => LaterNodes.GetValueOrDefault(name, Node);

    /// <summary>Tags of structures and enumerations, and their C# types.</summary>
    public required Dictionary<string, Type> Types { get; init; }

    /// <summary>Macros, and the C# members with their values.</summary>
    public required Dictionary<string, (string Member, long Value)> Macros { get; init; }

    /// <summary>Functions that the native file implements itself, and why.</summary>
    public required Dictionary<string, string> NativeFunctions { get; init; }

    /// <summary>Entry points that belong to no declared function, and why.</summary>
    public required Dictionary<string, string> OtherEntryPoints { get; init; }

    /// <summary>Fields with other names or types, as "tag.field".</summary>
    public required Dictionary<string, FieldRule> Fields { get; init; }
}
