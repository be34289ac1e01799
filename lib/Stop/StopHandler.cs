using System.Threading;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>The side of a stop that runs on the threads that are stopped.</summary>
/// <remarks>
/// <para>Who may run against whom:</para>
/// <code>
///                patcher               parked thread     NMI on a parked thread
/// patcher        stop mutex            StopState.Word    protocol
/// parked thread  StopState.Word        own record only   same thread
/// </code>
/// <para>A stop, in order. At the start the generation is even, nobody is parked.</para>
/// <list type="number">
/// <item>patcher: generation odd, count 0</item>
/// <item>patcher: writes the generation to every thread's record and sends the thread a signal, unless one is under way</item>
/// <item>thread: reads the generation from its record; fills the record in; joins: count + 1, if the generation is still
/// the same. A signal that arrives late, after its stop was given up, joins the current stop if that has asked this thread, or none.</item>
/// <item>thread: sleeps while the generation is the same</item>
/// <item>patcher: count complete and no thread unknown: the window is open</item>
/// <item>patcher: generation even, wakes all threads</item>
/// </list>
/// <para>The steps on the words that both sides write: <see cref="StopRequest{TMachine}"/>.</para>
/// </remarks>
[NoInstr]
internal static unsafe class StopHandler
{
    /// <summary>Marks our signals, in a field that the kernel does not use.</summary>
    public const int Magic = 0x66747263;

    /// <summary>
    /// The handler of the stop signal: SA_SIGINFO, everything blocked but NMIs and faults.
    /// </summary>
    public static void OnSignal(int signo, Siginfo* info, void* context)
    {
        StopState* stop = StopState.Shared;
        uint index = (uint)info->Value;
        if (info->Code != Siginfo.CodeTimer || info->Errno != Magic || info->Pid != stop->Pid
            || (uint)(info->Value >> 32) != stop->Secret || index >= ThreadTable.Capacity)
        {
            Forward(signo);
            return;
        }

        ThreadRecord* record = stop->Records + index;
        if (record->Tid != (int)Native.Syscall(SyscallNumber.Gettid))
        {
            return; // a stop before a fork has sent it, or the record was another thread's
        }

        Volatile.Write(ref record->Parking, 1);
        ulong cookie = (ulong)StopRequest<X86Threads>.Accept(&record->RequestedGeneration, &record->SignalSent) << 32 | index;
        NmiThread* thread = CurrentThread.Words;
        NmiProtocol<X86Machine>.StopRequested(thread, cookie, context);
        if (thread->StopPending != 0)
        {
            NmiLevels.OnDeferredStop(thread, *Ucontext.Rsp((ulong)context));
        }

        Volatile.Write(ref record->Parking, 0);
    }

    /// <summary>
    /// A signal that is not ours. Its disposition was the default one when we took the number, and that is what it gets: the signal is
    /// blocked here, is delivered when the handler has returned, and ends the process.
    /// </summary>
    private static void Forward(int signo)
    {
        KernelSigaction.Reset(signo);
        nint tid = Native.Syscall(SyscallNumber.Gettid);
        Native.Syscall(SyscallNumber.Tgkill, Native.Syscall(SyscallNumber.Getpid), tid, signo);
    }
}
