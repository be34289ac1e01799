namespace Ftrace.Linux;

/// <summary>ptrace(2). All requests but <see cref="Seize"/> need a thread that the calling process has seized.</summary>
[NoInstr]
internal static unsafe class Ptrace
{
    private const nint GetRegsRequest = 12;
    private const nint SetRegsRequest = 13;
    private const nint DetachRequest = 17;
    private const nint SeizeRequest = 0x4206;
    private const nint InterruptRequest = 0x4207;
    private const nint PeekSiginfoRequest = 0x4209;
    private const nint GetSigmaskRequest = 0x420a;
    private const nint WaitAll = 0x40000000; // __WALL: threads and processes, whatever signal they end with

    /// <summary>Makes the caller the thread's tracer, without stopping the thread.</summary>
    public static int Seize(int tid) => Call(SeizeRequest, tid, 0, 0);

    /// <summary>Asks the thread to stop: <see cref="Wait"/> reports when it has.</summary>
    public static int Interrupt(int tid) => Call(InterruptRequest, tid, 0, 0);

    /// <summary>Resumes a stopped thread, and stops tracing it.</summary>
    /// <param name="tid">The thread.</param>
    /// <param name="signo">The signal to deliver, which was about to be delivered when the thread stopped; 0: none.</param>
    public static int Detach(int tid, int signo) => Call(DetachRequest, tid, 0, signo);

    public static int GetRegs(int tid, UserRegs* regs) => Call(GetRegsRequest, tid, 0, (nint)regs);

    public static int SetRegs(int tid, UserRegs* regs) => Call(SetRegsRequest, tid, 0, (nint)regs);

    /// <summary>The signals that the thread has blocked; in a call that replaces its mask, those before the call.</summary>
    public static int GetSigmask(int tid, ulong* mask) => Call(GetSigmaskRequest, tid, sizeof(ulong), (nint)mask);

    /// <summary>Reads a pending signal.</summary>
    /// <param name="tid">The thread.</param>
    /// <param name="queue">The thread's own queue, or that of the process.</param>
    /// <param name="index">Which one, from 0.</param>
    /// <param name="info">Receives it.</param>
    /// <returns>1; 0 or -errno: there are no more.</returns>
    public static int PeekSiginfo(int tid, SignalQueue queue, uint index, Siginfo* info)
    {
        PeekSiginfoArguments arguments;
        arguments.Offset = index;
        arguments.Flags = (uint)queue;
        arguments.Count = 1;
        return Call(PeekSiginfoRequest, tid, (nint)(&arguments), (nint)info);
    }

    /// <summary>wait4(2) for one thread or process that stops or ends.</summary>
    /// <returns>Its id; 0: nothing to report; -ECHILD: the caller neither traces it nor is its parent.</returns>
    public static int Wait(int tid, WaitMode mode, int* status) =>
        (int)Native.Syscall(SyscallNumber.Wait4, tid, (nint)status, WaitAll | (nint)mode);

    /// <summary>The same for any of those that the caller traces, without waiting.</summary>
    /// <returns>Its id; 0: nothing to report; -ECHILD: there are none.</returns>
    public static int WaitAny(int* status) => Wait(-1, WaitMode.NoHang, status);

    /// <summary>WIFSTOPPED()</summary>
    public static bool IsStopped(int status) => (status & 0xff) == 0x7f;

    /// <summary>The signal that is about to be delivered to a stopped thread; 0: it stopped because it was asked to, or with its process.</summary>
    public static int SignalOf(int status) => status >> 16 == 0 ? status >> 8 & 0xff : 0;

    private static int Call(nint request, int tid, nint address, nint data) =>
        (int)Native.Syscall(SyscallNumber.Ptrace, request, tid, address, data);

    /// <summary><c>struct ptrace_peeksiginfo_args</c></summary>
    private struct PeekSiginfoArguments
    {
        public ulong Offset;
        public uint Flags;
        public int Count;
    }
}
