using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Tests.Sites;

/// <summary>Memory that ends where an unreadable page begins, and the library's system calls, counted.</summary>
internal static unsafe partial class GuardedMemory
{
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int MapPrivateAnonymous = 0x22;
    private const int PageSize = 4096;

    /// <summary>Bytes that the library has mapped.</summary>
    public static long Mapped { get; private set; }

    /// <summary>The most that they were.</summary>
    public static long MostMapped { get; set; }

    /// <summary>Gives the library its system calls, counted.</summary>
    public static void Attach() => SystemCalls.Attach(&Syscall);

    /// <summary>The address after the last byte of that many.</summary>
    public static byte* Allocate(long bytes)
    {
        long size = (bytes + PageSize - 1) / PageSize * PageSize;
        nint start = mmap(0, size + PageSize, 0, MapPrivateAnonymous, -1, 0);
        if (start == -1 || mprotect(start, size, ProtRead | ProtWrite) != 0)
        {
            throw new InvalidOperationException("no memory");
        }

        return (byte*)start + size;
    }

    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f)
    {
        nint result = syscall(number, a, b, c, d, e, f);
        if (result == -1)
        {
            return -Marshal.GetLastSystemError();
        }

        Mapped += (SyscallNumber)number switch
        {
            SyscallNumber.Mmap => b,
            SyscallNumber.Munmap => -b,
            _ => 0,
        };
        MostMapped = Math.Max(MostMapped, Mapped);
        return result;
    }

    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    [LibraryImport("libc")]
    private static partial nint mmap(nint address, long length, int protection, int flags, int file, long offset);

    [LibraryImport("libc")]
    private static partial int mprotect(nint address, long length, int protection);
}
