using System;
using Ftrace.Linux;

namespace Ftrace.Elf;

/// <summary>The bytes of an ELF file: an open file, or memory. Every read is checked against the size.</summary>
/// <remarks>The file is not mapped: if it was truncated meanwhile, a load would raise SIGBUS.</remarks>
internal readonly unsafe struct ElfSource
{
    private readonly int _file;
    private readonly byte* _memory;
    private readonly int* _error;

    /// <param name="file">A descriptor.</param>
    /// <param name="size">The file's size.</param>
    /// <param name="error">
    /// Set to -EAGAIN or -ENOMEM if something could not be read for a temporary reason, not because of the file's contents.
    /// </param>
    public ElfSource(int file, ulong size, int* error)
    {
        _file = file;
        _error = error;
        Size = size;
    }

    public ElfSource(byte* memory, ulong size)
    {
        _file = -1;
        _memory = memory;
        Size = size;
    }

    public ulong Size { get; }

    /// <summary>True if the range is in the file.</summary>
    public bool Contains(ulong offset, ulong count) => offset <= Size && count <= Size - offset;

    /// <summary>Notes that there is no memory for the contents.</summary>
    public void NoteNoMemory() => Note(-Errno.ENOMEM);

    private void Note(int error)
    {
        if (_error != null)
        {
            *_error = error;
        }
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    public bool Read(ulong offset, void* to, ulong count)
    {
        if (!Contains(offset, count))
        {
            return false;
        }

        if (_memory != null)
        {
            Buffer.MemoryCopy(_memory + offset, to, count, count);
            return true;
        }

        for (ulong done = 0; done < count;)
        {
            nint got = Native.Syscall(SyscallNumber.Pread64, _file, (nint)((byte*)to + done), (nint)(count - done), (nint)(offset + done));
            if (got == -Errno.EINTR)
            {
                continue;
            }

            if (got <= 0)
            {
                if (ProcFile.IsTransient((int)got))
                {
                    Note(-Errno.EAGAIN);
                }

                return false;
            }

            done += (ulong)got;
        }

        return true;
    }
}
