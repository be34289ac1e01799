using System;

namespace Ftrace.Tests.Abi;

/// <summary>A field that has other names or another type in C#, and why.</summary>
/// <param name="Names">The C# fields, one for each element if the C field is an array.</param>
/// <param name="Type">The C# type, or null for the usual one.</param>
/// <param name="Reason">Why it is not the usual one.</param>
internal sealed record FieldRule(string[] Names, Type? Type, string Reason);
