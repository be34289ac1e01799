namespace Ftrace.Linux;

/// <summary>The security module Yama: Documentation/admin-guide/LSM/Yama.rst.</summary>
internal static unsafe class Yama
{
    private const nint SetPtracer = 0x59616d61;

    /// <summary>0: classic; 1: only of descendants, or as the process itself allows; 2: only with CAP_SYS_PTRACE; 3: not at all. -1: no such module.</summary>
    public static int Scope()
    {
        int fd;
        fixed (byte* path = "/proc/sys/kernel/yama/ptrace_scope\0"u8)
        {
            fd = ProcFile.Open(path);
        }

        if (fd < 0)
        {
            return -1;
        }

        byte digit;
        int bytes = ProcFile.Read(fd, &digit, 1);
        ProcFile.Close(fd);
        return bytes == 1 && digit is >= (byte)'0' and <= (byte)'9' ? digit - '0' : -1;
    }

    /// <summary>
    /// Lets a process trace this one, in scope 1. It takes the place of whomever the host has allowed, and nobody can be asked who that was.
    /// </summary>
    /// <returns>False if that is not what was in the way.</returns>
    public static bool LetTrace(int process) =>
        Scope() == 1 && Native.Syscall(SyscallNumber.Prctl, SetPtracer, process) == 0;
}
