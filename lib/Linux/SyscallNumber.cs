namespace Ftrace.Linux;

/// <summary>System calls of x86-64, <c>arch/x86/entry/syscalls/syscall_64.tbl</c>.</summary>
internal enum SyscallNumber
{
    Read = 0,
    Close = 3,
    Fstat = 5,
    Mmap = 9,
    Mprotect = 10,
    Munmap = 11,
    RtSigaction = 13,
    RtSigprocmask = 14,
    Ioctl = 16,
    Pread64 = 17,
    Pwrite64 = 18,
    SchedYield = 24,
    Madvise = 28,
    Nanosleep = 35,
    Getpid = 39,
    Sigaltstack = 131,
    Gettid = 186,
    Futex = 202,
    Getdents64 = 217,
    ClockGettime = 228,
    Tgkill = 234,
    Openat = 257,
    Newfstatat = 262,
    RtTgsigqueueinfo = 297,
    ProcessVmReadv = 310,
    ProcessVmWritev = 311,
    Membarrier = 324,
}
