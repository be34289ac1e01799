using System;
using System.Runtime.InteropServices;

namespace Ftrace.Linux;

/// <summary>The name of a thread, as the kernel keeps it: <c>TASK_COMM_LEN</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TaskName
{
    /// <summary>How many bytes it has; the rest is zero.</summary>
    public const int Size = 16;

    private ulong _first;
    private ulong _second;

    public readonly bool IsEmpty => _first == 0;

    public readonly bool Is(in TaskName other) => _first == other._first && _second == other._second;

    /// <summary>The bytes, without the zeros.</summary>
    public static unsafe ReadOnlySpan<byte> BytesOf(TaskName* name)
    {
        var bytes = new ReadOnlySpan<byte>(name, Size);
        int end = bytes.IndexOf((byte)0);
        return end < 0 ? bytes : bytes[..end];
    }
}
