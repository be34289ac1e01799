using System.Collections.Generic;
using Ftrace.Tests.Floors.Planted.High;

namespace Ftrace.Tests.Floors.Planted.Low;

// One upward reference a type, each of another kind; and one without any.
internal sealed class ByBase : Base;

internal sealed class ByInterface : IContract;

[Mark]
internal sealed class ByAttribute;

internal unsafe struct ByField
{
    public Words* Words = null;

    public ByField()
    {
    }
}

internal sealed class ByGenericField
{
    public List<Words> Words { get; } = [];
}

internal unsafe struct ByFunctionPointer
{
    public delegate*<Words*, void> Function = null;

    public ByFunctionPointer()
    {
    }
}

internal static class ByParameter
{
    public static int Read(in Words words) => words.GetHashCode();
}

internal static class ByResult
{
    public static Base? Make() => null;
}

internal static class ByConstraint
{
    public static int Read<T>(T value)
        where T : IContract => value.GetHashCode();
}

internal static class ByLocal
{
    public static unsafe int Read(void* memory)
    {
        Words* words = (Words*)memory;
        return words->Word;
    }
}

internal static class BySize
{
    public static unsafe int Size => sizeof(Words);
}

internal static class ByCall
{
    public static int Call() => Calls.Call();
}

internal static class ByGenericCall
{
    public static int Call() => new List<int>().ConvertAll(static value => new Words { Word = value }).Count;
}

internal static class ByAddress
{
    public static unsafe void* Address => (delegate*<int>)&Calls.Call;
}

internal static class ByNested
{
    internal static class Inner
    {
        public static int Call() => Calls.Call();
    }
}

internal static class ByNothing
{
    public static int Call() => ByNested.Inner.Call();
}
