using System;

namespace Ftrace.Tests.Explorer;

/// <summary>Ends a replay at the first step that has no result yet.</summary>
internal sealed class Suspend : Exception
{
    public static readonly Suspend Instance = new();
}
