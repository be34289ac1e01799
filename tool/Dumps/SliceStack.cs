using System;

namespace Ftrace.Tool.Dumps;

/// <summary>The open slices of a thread, the innermost one last.</summary>
internal sealed class SliceStack
{
    private Slice[] _slices = new Slice[16];

    public int Count { get; private set; }

    public ref Slice this[int index] => ref _slices[index];

    public ref Slice Last => ref _slices[Count - 1];

    public void Push(int call, int function)
    {
        if (Count == _slices.Length)
        {
            Array.Resize(ref _slices, Count * 2);
        }

        ref Slice slice = ref _slices[Count++];
        slice.Call = call;
        slice.Function = function;
    }

    public void Pop() => Count--;

    public void RemoveAt(int index)
    {
        Count--;
        _slices.AsSpan(index + 1, Count - index).CopyTo(_slices.AsSpan(index));
    }

    /// <summary>The innermost slice of a call. -1: there is none.</summary>
    public int Find(int call)
    {
        int index = Count - 1;
        while (index >= 0 && _slices[index].Call != call)
        {
            index--;
        }

        return index;
    }

    /// <summary>The innermost slice that is hidden and of a function. -1: there is none.</summary>
    public int FindHidden(int function)
    {
        int index = Count - 1;
        while (index >= 0 && (_slices[index].Call != Slice.Hidden || _slices[index].Function != function))
        {
            index--;
        }

        return index;
    }
}
