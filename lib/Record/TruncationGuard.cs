using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>
/// Somebody may make the file shorter while it is mapped. Then a thread that records gets SIGBUS, which would end the host for something
/// that it has not done. So while a file is recorded to that can be truncated, there is a handler of SIGBUS: it replaces the page by memory that nobody
/// reads, and the thread continues.
/// </summary>
/// <remarks>
/// It is installed if the host has none: one of the host's, installed before or later, is not replaced, and gets the signal. The file
/// of <c>ftrace record</c> is sealed, so that it cannot be truncated; then there is no handler.
/// </remarks>
internal static unsafe class TruncationGuard
{
    private const int FixedPrivateAnonymous = 0x10 | 0x02 | 0x20 | 0x4000; // MAP_FIXED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE

    private static bool s_isInstalled;

    private static ulong Handler => (ulong)(delegate*<int, Siginfo*, void*, void>)&OnSignal;

    public static void Install()
    {
        KernelSigaction current;
        if (s_isInstalled || RecordFile.IsSealed || KernelSigaction.Exchange(SignalSet.Sigbus, null, &current) != 0
            || current.Handler != KernelSigaction.Default)
        {
            return;
        }

        ulong flags = KernelSigaction.SaRestart | AlternateStack.FlagOfHandlers(SignalSet.Sigbus);
        var action = KernelSigaction.Of(&OnSignal, flags, ~SignalSet.Faults);
        s_isInstalled = KernelSigaction.Exchange(SignalSet.Sigbus, &action, null) == 0;
    }

    /// <summary>Removes the handler, unless the host has replaced it.</summary>
    public static void Remove()
    {
        KernelSigaction current;
        if (s_isInstalled && KernelSigaction.Exchange(SignalSet.Sigbus, null, &current) == 0 && current.Handler == Handler)
        {
            KernelSigaction.Reset(SignalSet.Sigbus);
        }

        s_isInstalled = false;
    }

    [NoInstr]
    private static void OnSignal(int signo, Siginfo* info, void* context)
    {
        bool isFault = info->Code > 0;
        ulong page = info->Address & ~(ulong)(Memory.PageSize - 1);
        if (isFault && IsMapped(page) && Native.Syscall(SyscallNumber.Mmap, (nint)page, Memory.PageSize, Memory.ProtRead | Memory.ProtWrite, FixedPrivateAnonymous, -1, 0) == (nint)page)
        {
            return;
        }

        // As if there was no handler: a fault is repeated, and what was sent is sent again.
        KernelSigaction.Reset(signo);
        if (!isFault)
        {
            nint tid = Native.Syscall(SyscallNumber.Gettid);
            Native.Syscall(SyscallNumber.RtTgsigqueueinfo, Native.Syscall(SyscallNumber.Getpid), tid, signo, (nint)info);
        }
    }

    [NoInstr]
    private static bool IsMapped(ulong address)
    {
        RecorderWords* words = RecorderWords.Shared;
        return (words->Header != null && address - (ulong)words->Header < words->BlockSize) || InfoWriter.Contains(address) || RingPool.Contains(address)
            || RingMemory.Contains(address) || ControlArea.Contains(address);
    }
}
