using System;

namespace Ftrace.Tests.Floors.Planted.High;

/// <summary>What the lower floor must not know.</summary>
internal struct Words
{
    public int Word;
}

internal class Base;

internal interface IContract;

[AttributeUsage(AttributeTargets.Class)]
internal sealed class MarkAttribute : Attribute;

internal static class Calls
{
    public static int Count { get; set; }

    public static int Call() => Count++;
}
