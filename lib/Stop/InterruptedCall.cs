using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// System calls that fail with EINTR when their thread is stopped by ptrace(2). The kernel restarts all others; these must be restarted
/// here, or the host sees an EINTR without a signal. signal(7), "Interruption of system calls and library functions by stop signals".
/// </summary>
[NoInstr]
internal static unsafe class InterruptedCall
{
    private const uint MaxPendingSignals = 256;
    private const ulong SyscallSize = 2;

    // arch/x86/entry/syscalls/syscall_64.tbl
    private const long Read = 0;
    private const long Write = 1;
    private const long Readv = 19;
    private const long Writev = 20;
    private const long Connect = 42;
    private const long Accept = 43;
    private const long Sendto = 44;
    private const long Recvfrom = 45;
    private const long Sendmsg = 46;
    private const long Recvmsg = 47;
    private const long Semop = 65;
    private const long RtSigtimedwait = 128;
    private const long IoGetevents = 208;
    private const long Semtimedop = 220;
    private const long EpollWait = 232;
    private const long EpollPwait = 281;
    private const long Accept4 = 288;
    private const long Recvmmsg = 299;
    private const long Sendmmsg = 307;
    private const long IoPgetevents = 333;
    private const long IoUringEnter = 426;
    private const long EpollPwait2 = 441;

    private const ulong ExtendedArgument = 8; // IORING_ENTER_EXT_ARG

    /// <summary>True if a stopped thread would return from such a call with EINTR, and no signal is pending that explains it.</summary>
    public static bool MustRestart(int tid, UserRegs* regs) =>
        (long)regs->Rax == -Errno.EINTR && CanRestart(regs->OrigRax) && !HasDeliverableSignal(tid, BlockedIn(tid, regs));

    /// <summary>Makes the thread execute the call again, with the same arguments. A relative timeout starts anew.</summary>
    public static void Restart(UserRegs* regs)
    {
        regs->Rax = (ulong)regs->OrigRax;
        regs->Rip -= SyscallSize;
    }

    /// <summary>The calls on sockets are listed because of SO_RCVTIMEO and SO_SNDTIMEO: without a timeout the kernel restarts them.</summary>
    private static bool CanRestart(long number) =>
        number is Read or Write or Readv or Writev
        || number is Connect or Accept or Accept4 or Sendto or Recvfrom or Sendmsg or Recvmsg or Sendmmsg or Recvmmsg
        || number is Semop or Semtimedop or RtSigtimedwait or IoGetevents or IoPgetevents or IoUringEnter
        || number is EpollWait or EpollPwait or EpollPwait2;

    /// <summary>The signals that are blocked during the call: one of its arguments may be a mask.</summary>
    private static ulong BlockedIn(int tid, UserRegs* regs)
    {
        ulong at = 0;
        if (regs->OrigRax is EpollPwait or EpollPwait2)
        {
            at = regs->R8;
        }
        else if (regs->OrigRax == IoPgetevents)
        {
            at = WordAt(regs->R9); // struct __aio_sigset
        }
        else if (regs->OrigRax == IoUringEnter)
        {
            at = (regs->R10 & ExtendedArgument) != 0 ? WordAt(regs->R8) : regs->R8; // struct io_uring_getevents_arg
        }

        if (at != 0 && OwnMemory.CanRead(at))
        {
            return *(ulong*)at;
        }

        ulong mask;
        return Ptrace.GetSigmask(tid, &mask) == 0 ? mask : 0;
    }

    private static ulong WordAt(ulong address) => address != 0 && OwnMemory.CanRead(address) ? *(ulong*)address : 0;

    private static bool HasDeliverableSignal(int tid, ulong blocked) =>
        HasDeliverableSignal(tid, blocked, SignalQueue.Thread) || HasDeliverableSignal(tid, blocked, SignalQueue.Process);

    private static bool HasDeliverableSignal(int tid, ulong blocked, SignalQueue queue)
    {
        Siginfo info;
        for (uint i = 0; i < MaxPendingSignals && Ptrace.PeekSiginfo(tid, queue, i, &info) == 1; i++)
        {
            if ((blocked & SignalSet.Of(info.Signo)) == 0)
            {
                return true;
            }
        }

        return false;
    }
}
