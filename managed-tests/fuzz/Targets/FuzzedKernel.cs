using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Tests;
using Ftrace.Tests.Sites;

namespace Ftrace.Fuzz;

/// <summary>
/// The library's system calls. Its memory ends exactly where an unreadable page begins, is counted, and can run out; its files are
/// the input, which can be cut while it is read.
/// </summary>
internal static unsafe class FuzzedKernel
{
    /// <summary>Largest input.</summary>
    public const int MaxInput = 1 << 16;

    private const int SlotCount = 32;
    private const long SlotSize = 8 << 20;
    private const byte Freed = 0xdd;
    private const int FileDescriptor = 1000;
    private const int StatModeOffset = 24;
    private const int StatSizeOffset = 48;
    private const uint RegularFile = 0x8000;

    private static readonly byte*[] s_ends = new byte*[SlotCount];
    private static readonly long[] s_sizes = new long[SlotCount];
    private static byte* s_fileEnd;
    private static int s_fileSize;
    private static int s_opened;
    private static int s_mappings;
    private static int s_failingMapping;

    /// <summary>Bytes that the library has mapped.</summary>
    public static long Mapped { get; private set; }

    /// <summary>The most that they were.</summary>
    public static long MostMapped { get; private set; }

    /// <summary>Which mapping from now on fails, from 1; 0: none.</summary>
    public static int FailingMapping
    {
        get => s_failingMapping;
        set
        {
            s_failingMapping = value;
            s_mappings = 0;
        }
    }

    /// <summary>A read gives at most so many bytes; 0: all.</summary>
    public static int MostAtOnce { get; set; }

    /// <summary>How many bytes there are less than the file's size was said to be.</summary>
    public static int Cut { get; set; }

    public static bool HasDebugFile { get; set; }

    /// <summary>The input, which ends where an unreadable page begins.</summary>
    public static byte* File => s_fileEnd - s_fileSize;

    public static int FileSize => s_fileSize;

    public static void Attach()
    {
        SystemCalls.Attach(&Syscall);
        if (s_fileEnd != null)
        {
            return;
        }

        s_fileEnd = GuardedMemory.Allocate(MaxInput);
        for (int i = 0; i < SlotCount; i++)
        {
            s_ends[i] = GuardedMemory.Allocate(SlotSize);
        }
    }

    /// <summary>A new input; all is as it should be.</summary>
    public static void Reset(ReadOnlySpan<byte> file)
    {
        Array.Clear(s_sizes);
        Mapped = 0;
        MostMapped = 0;
        FailingMapping = 0;
        s_opened = 0;
        MostAtOnce = 0;
        Cut = 0;
        HasDebugFile = false;
        s_fileSize = file.Length;
        file.CopyTo(new Span<byte>(File, s_fileSize));
    }

    public static void CheckAllGivenBack()
    {
        Finding.Unless(Mapped == 0, $"{Mapped} bytes were not given back");
        Finding.Unless(s_opened == 0, "a file was left open");
    }

    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f)
    {
        switch ((SyscallNumber)number)
        {
            case SyscallNumber.Mmap:
                return Map(b);
            case SyscallNumber.Munmap:
                return Unmap((byte*)a, b);
            case SyscallNumber.Madvise:
                return 0;
            case SyscallNumber.Newfstatat when Exists((byte*)b):
                return Stat((byte*)c);
            case SyscallNumber.Openat when Exists((byte*)b):
                s_opened++;
                return FileDescriptor;
            case SyscallNumber.Newfstatat or SyscallNumber.Openat:
                return -Errno.ENOENT;
            case SyscallNumber.Close when a == FileDescriptor:
                s_opened--;
                return 0;
            case SyscallNumber.Fstat when a == FileDescriptor:
                return Stat((byte*)b);
            case SyscallNumber.Pread64 when a == FileDescriptor && s_opened > 0:
                return Read((byte*)b, c, d);
            case SyscallNumber.RtSigprocmask:
                return -Errno.EINVAL; // the page can be read
            default:
                throw new Finding($"system call {number} of {a:x}");
        }
    }

    private static bool Exists(byte* path) =>
        HasDebugFile || !MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path).StartsWith("/usr/lib/debug/"u8);

    private static nint Stat(byte* to)
    {
        *(uint*)(to + StatModeOffset) = RegularFile;
        *(long*)(to + StatSizeOffset) = s_fileSize + Cut;
        return 0;
    }

    private static nint Read(byte* to, nint count, nint offset)
    {
        Finding.Unless(count > 0 && offset >= 0, $"read of {count} bytes at {offset}");
        nint there = Math.Max(Math.Min(count, s_fileSize - offset), 0);
        there = MostAtOnce == 0 ? there : Math.Min(there, MostAtOnce);
        Buffer.MemoryCopy(File + offset, to, there, there);
        return there;
    }

    private static nint Map(nint size)
    {
        if (++s_mappings == s_failingMapping)
        {
            return -Errno.ENOMEM;
        }

        int slot = Array.IndexOf(s_sizes, 0);
        Finding.Unless(size > 0, "nothing mapped");
        Finding.Unless(size <= SlotSize && slot >= 0, $"{size} bytes mapped for a file of {s_fileSize}");
        s_sizes[slot] = size;
        Mapped += size;
        MostMapped = Math.Max(MostMapped, Mapped);
        byte* start = s_ends[slot] - size;
        new Span<byte>(start, (int)size).Clear();
        return (nint)start;
    }

    private static nint Unmap(byte* start, nint size)
    {
        for (int i = 0; i < SlotCount; i++)
        {
            if (s_sizes[i] == size && s_ends[i] - size == start)
            {
                new Span<byte>(start, (int)size).Fill(Freed);
                s_sizes[i] = 0;
                Mapped -= size;
                return 0;
            }
        }

        throw new Finding($"{size} bytes given back that were not there");
    }
}
