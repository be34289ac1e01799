using System;

namespace Ftrace.Linux;

/// <summary>The threads of the process: a walk over /proc/self/task, through a buffer of the caller's.</summary>
internal unsafe ref struct TaskList(byte* buffer, int size)
{
    private readonly byte* _buffer = buffer;
    private readonly int _size = size;
    private int _directory = -1;
    private TaskScan _entries;

    /// <summary>0, or the -errno that ended the walk.</summary>
    public int Error { get; private set; }

    /// <summary><see cref="Close"/> has to follow if it succeeds.</summary>
    /// <returns>0, -EAGAIN or -EOPNOTSUPP.</returns>
    public int Open()
    {
        fixed (byte* path = "/proc/self/task\0"u8)
        {
            _directory = ProcFile.OpenDirectory(path);
        }

        return _directory < 0 ? ProcFile.ErrorOf(_directory) : 0;
    }

    /// <summary>The next thread's id.</summary>
    /// <returns>False at the end.</returns>
    public bool Next(out int tid)
    {
        while (!_entries.Next(out tid))
        {
            nint bytes = Native.Syscall(SyscallNumber.Getdents64, _directory, (nint)_buffer, _size);
            if (bytes <= 0)
            {
                Error = (int)bytes;
                return false;
            }

            _entries = new TaskScan(new ReadOnlySpan<byte>(_buffer, (int)bytes));
        }

        return true;
    }

    public readonly void Close() => ProcFile.Close(_directory);
}
