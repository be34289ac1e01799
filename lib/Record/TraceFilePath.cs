using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Where a file is to be written: a path that does not exist yet, or "fd:N", an empty file that the caller has opened.</summary>
internal static unsafe class TraceFilePath
{
    private const int AtFdcwd = -100;
    private const int OpenNew = 0x2 | 0x40 | 0x80 | 0x20000 | 0x80000; // O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_CLOEXEC
    private const int OwnerOnly = 0x180; // 0600
    private const int SetCloexec = 2;    // F_SETFD
    private const int Cloexec = 1;
    private const int GetFlags = 3; // F_GETFL
    private const int AccessMode = 3;
    private const int ReadWrite = 2;
    private const int LimitFileSize = 1;
    private const int StatSize = 144;
    private const int StatModeOffset = 24;
    private const int StatSizeOffset = 48;
    private const uint ModeFormat = 0xf000;
    private const uint ModeRegular = 0x8000;

    /// <summary>Begins a path of a file that the caller has opened: "fd:N".</summary>
    public static ReadOnlySpan<byte> Descriptor => "fd:"u8;

    /// <summary>True if it is a descriptor.</summary>
    public static bool IsDescriptor(byte* path) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path).StartsWith(Descriptor);

    /// <returns>A descriptor or -errno.</returns>
    public static int Open(byte* path)
    {
        if (!IsDescriptor(path))
        {
            return (int)Native.Syscall(SyscallNumber.Openat, AtFdcwd, (nint)path, OpenNew, OwnerOnly);
        }

        ReadOnlySpan<byte> number = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path)[Descriptor.Length..];
        bool isNumber = System.Buffers.Text.Utf8Parser.TryParse(number, out int fd, out int used) && used == number.Length && fd >= 0;
        byte* stat = stackalloc byte[StatSize];
        bool isUsable = isNumber && Native.Syscall(SyscallNumber.Fstat, fd, (nint)stat) == 0
            && (*(uint*)(stat + StatModeOffset) & ModeFormat) == ModeRegular && *(ulong*)(stat + StatSizeOffset) == 0
            && (Native.Syscall(SyscallNumber.Fcntl, fd, GetFlags) & AccessMode) == ReadWrite;
        if (!isUsable)
        {
            return -Errno.EINVAL;
        }

        int error = (int)Native.Syscall(SyscallNumber.Fcntl, fd, SetCloexec, Cloexec);
        return error < 0 ? error : fd;
    }

    /// <summary>RLIMIT_FSIZE: who writes beyond it gets a signal that ends the process.</summary>
    public static ulong SizeLimit => Limit(LimitFileSize);

    /// <summary>A limit of the process, see getrlimit(2).</summary>
    public static ulong Limit(int resource)
    {
        ulong* limit = stackalloc ulong[2];
        return Native.Syscall(SyscallNumber.Prlimit64, 0, resource, 0, (nint)limit) == 0 ? limit[0] : ulong.MaxValue;
    }
}
