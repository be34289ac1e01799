using System;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>
/// Finds out, in a stop, whether any thread has an address of some text in its registers or on its stack: then the text must stay. Source:
/// klp_check_stack() in the kernel's kernel/livepatch/transition.c.
/// </summary>
/// <remarks>
/// The kernel unwinds the stacks, and counts only return addresses. Without unwind information that is always there, each word counts that
/// looks like an address of the range. This errs in one direction only: a thread may seem to use text that it does not use.
/// </remarks>
internal static unsafe class StackCheck
{
    private const long FirstPauseNs = Clock.NsPerMs;
    private const long MaxPauseNs = 100 * Clock.NsPerMs;
    private const long SearchNs = Clock.NsPerSecond;

    /// <summary>
    /// The distance below a thread that parks on its way out of an NMI at which it has certainly saved registers. Native/gate.c has saved all.
    /// </summary>
    private const ulong ParkingFrames = 256;

    /// <param name="self">The calling thread.</param>
    /// <param name="range">The text.</param>
    /// <param name="timeoutMs">How long to wait until no thread uses it.</param>
    /// <returns>0, -EBUSY if a thread uses it, or the error of a stop.</returns>
    public static int Run(NmiThread* self, AddressRange range, uint timeoutMs)
    {
        long deadline = Clock.NowNs() + timeoutMs * Clock.NsPerMs;
        for (long pause = FirstPauseNs; ; pause = Math.Min(2 * pause, MaxPauseNs))
        {
            int error = RunOnce(self, range, out StackFinding finding);
            if (error != 0 || finding.Tid == 0)
            {
                return error;
            }

            long rest = deadline - Clock.NowNs();
            if (rest <= 0)
            {
                finding.Print();
                return -Errno.EBUSY;
            }

            Native.Table->Idle(null, 0, Math.Min(pause, rest));
        }
    }

    private static int RunOnce(NmiThread* self, AddressRange range, out StackFinding finding)
    {
        finding = default;
        int error = StopMachine.Open(self, StopMachine.DefaultTimeoutMs);
        if (error != 0)
        {
            return error;
        }

        uint generation = StopState.Shared->Generation;
        bool found = LookAtCaller(self, range, ref finding);
        for (int i = 0; i < ThreadTable.Used && !found; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            found = record->Tid != 0 && record->StandsStill(generation) && LookAt(record, generation, range, ref finding);
        }

        error = found ? 0 : Seizer.FindInRegisters(range, SearchNs, ref finding);
        StopMachine.Close();
        return error;
    }

    /// <summary>The calling thread, from the call of the library on: above that its stack has only frames of functions that have called.</summary>
    private static bool LookAtCaller(NmiThread* self, AddressRange range, ref StackFinding finding)
    {
        var search = new StackSearch(range, ThreadStack.Of(self), returnsOnly: true);
        if (!search.Find(LibraryCall.CallerOf(self), out finding.Address))
        {
            return false;
        }

        finding.Tid = (int)Native.Syscall(SyscallNumber.Gettid);
        return true;
    }

    private static bool LookAt(ThreadRecord* record, uint generation, AddressRange range, ref StackFinding finding)
    {
        ulong stackPointer = record->StackPointer;
        var search = new StackSearch(range, ThreadStack.Of((NmiThread*)record->Words), returnsOnly: false);
        if (record->SeizedGeneration != generation)
        {
            if (record->Context == 0)
            {
                ulong below = stackPointer - ParkingFrames;
                stackPointer = OwnMemory.CanRead(below) ? below : stackPointer;
            }
            else if (FindInRegisters(record->Context, range, out finding.Address))
            {
                finding.Tid = record->Tid;
                finding.InRegister = true;
                return true;
            }
        }

        if (!search.Find(stackPointer, out finding.Address))
        {
            return false;
        }

        finding.Tid = record->Tid;
        return true;
    }

    private static bool FindInRegisters(ulong context, AddressRange range, out ulong found)
    {
        ulong* registers = Ucontext.Registers(context);
        for (int i = 0; i < Ucontext.RegisterCount; i++)
        {
            found = registers[i];
            if (range.IsReachedFrom(found))
            {
                return true;
            }
        }

        found = 0;
        return false;
    }
}
