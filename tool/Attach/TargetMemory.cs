using System;

namespace Ftrace.Tool.Attach;

/// <summary>
/// The memory of another process, by a descriptor of <c>/proc/PID/mem</c> that is opened once: it stays that of the program that ran then. If another
/// one is executed, by whatever thread, nothing of that one is read or written.
/// </summary>
internal sealed unsafe class TargetMemory(string path) : ITargetMemory, IDisposable
{
    private int _file = -1;

    /// <summary>Opens it. What is found in <c>/proc/PID/maps</c> afterwards is of this program, or of a later one.</summary>
    /// <returns>False: see errno.</returns>
    public bool TryOpen()
    {
        if (_file < 0)
        {
            _file = Libc.Open(path, Libc.O_RDWR | Libc.O_CLOEXEC);
        }

        return _file >= 0;
    }

    /// <summary>The program that it was opened of runs no more: the process has executed another one, or has ended.</summary>
    public bool IsGone
    {
        get
        {
            byte unused;
            return _file >= 0 && Libc.ReadAt(_file, &unused, 1, 0) == 0; // where nothing is mapped: an error
        }
    }

    public bool TryRead(ulong address, Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return TryOpen() && Libc.ReadAt(_file, start, bytes.Length, (long)address) == bytes.Length;
        }
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        AttachSteps.Take();
        fixed (byte* start = bytes)
        {
            return TryOpen() && Libc.WriteAt(_file, start, bytes.Length, (long)address) == bytes.Length;
        }
    }

    public void Dispose()
    {
        if (_file >= 0)
        {
            Libc.Close(_file);
            _file = -1;
        }
    }
}
