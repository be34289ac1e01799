namespace Ftrace.Linux;

/// <summary>The security module Yama: Documentation/admin-guide/LSM/Yama.rst.</summary>
internal static unsafe class Yama
{
    private const nint SetPtracer = 0x59616d61;

    /// <summary>
    /// ptrace_scope. 0: classic; 1: only descendants, or processes that have allowed it; 2: only with CAP_SYS_PTRACE; 3: no tracing. -1: there
    /// is no such module.
    /// </summary>
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
    /// Allows a process to trace this one, in scope 1. It replaces a process that the host has allowed; which one that was cannot be read.
    /// </summary>
    /// <returns>False if this is not what forbids the tracing.</returns>
    public static bool LetTrace(int process) =>
        Scope() == 1 && Native.Syscall(SyscallNumber.Prctl, SetPtracer, process) == 0;
}
