using System;
using Ftrace.Protocol;
using Ftrace.X86;

namespace Ftrace.Stop;

/// <summary>
/// Finds out, in a stop, whether any thread has an address of some text in its registers or on its stack: then the text must stay. Source:
/// klp_check_stack() in the kernel's kernel/livepatch/transition.c.
/// </summary>
/// <remarks>
/// Each word counts that looks like an address of the range. This errs in one direction only: a thread may seem to use text that it does
/// not use. The contexts that the system saves when it calls a handler of an exception are on the thread's stack too, so the search finds
/// where their threads will go on.
/// </remarks>
internal static unsafe class StackCheck
{
    private const long FirstPauseNs = Clock.NsPerMs;
    private const long MaxPauseNs = 100 * Clock.NsPerMs;

    /// <summary>How much of a stack is searched whose end is not known.</summary>
    private const ulong MaxDepth = 1 << 20;

    private const ulong StackBase = 0x08; // in the TEB
    private const ulong StackLimit = 0x10;

    /// <param name="self">The calling thread.</param>
    /// <param name="caller">Its stack pointer when the host called the library.</param>
    /// <param name="range">The text.</param>
    /// <param name="timeoutMs">How long to wait until no thread uses it.</param>
    /// <returns>0, -EBUSY if a thread uses it, or the error of a stop.</returns>
    public static int Run(NmiThread* self, ulong caller, AddressRange range, uint timeoutMs)
    {
        long deadline = Clock.NowNs() + timeoutMs * Clock.NsPerMs;
        for (long pause = FirstPauseNs; ; pause = Math.Min(2 * pause, MaxPauseNs))
        {
            int error = RunOnce(self, caller, range, out StackFinding finding);
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

            Clock.Sleep(Math.Min(pause, rest));
        }
    }

    private static int RunOnce(NmiThread* self, ulong caller, AddressRange range, out StackFinding finding)
    {
        finding = default;
        int error = StopMachine.Open(self, StopMachine.DefaultTimeoutMs);
        if (error != 0)
        {
            return error;
        }

        // Above the call of the library the stack of this thread has only frames of functions that have called.
        ThreadInformation own = SuspendedThreads.InformationOf(SuspendedThreads.CurrentThreadHandle);
        if (FindOnStack(own.Teb, caller, range, returnsOnly: true, out finding.Address))
        {
            finding.Tid = (int)own.ThreadId;
        }

        for (int i = 0; i < SuspendedThreads.Count && finding.Tid == 0; i++)
        {
            LookAt(SuspendedThreads.At(i), range, ref finding);
        }

        StopMachine.Close();
        return 0;
    }

    private static void LookAt(SuspendedThread* thread, AddressRange range, ref StackFinding finding)
    {
        ulong teb = SuspendedThreads.InformationOf(thread->Handle).Teb;
        if (teb == 0)
        {
            return; // it has not begun
        }

        // If the system does not tell the registers, the thread may be anywhere.
        ThreadContext* context = SuspendedThreads.RegistersOf(thread);
        bool found = context == null;
        for (int i = 0; i < ThreadContext.RegisterCount && !found; i++)
        {
            found = range.IsReachedFrom(context->Registers[i]);
            finding.Address = context->Registers[i];
            finding.InRegister = true;
        }

        if (!found)
        {
            found = FindOnStack(teb, context->Rsp, range, returnsOnly: false, out finding.Address);
            finding.InRegister = false;
        }

        finding.Tid = found ? (int)thread->Id : 0;
    }

    /// <summary>Every aligned word from the stack pointer to the end of the stack.</summary>
    private static bool FindOnStack(ulong teb, ulong stackPointer, AddressRange range, bool returnsOnly, out ulong found)
    {
        ulong limit = *(ulong*)(teb + StackLimit);
        ulong end = *(ulong*)(teb + StackBase);
        ulong at = stackPointer & ~(sizeof(ulong) - 1ul);

        // The stack pointer may be below what the system has given to the stack, if nothing was written there yet.
        bool isOwn = at < end && at + MaxDepth >= limit && IsSameStack(at, limit);
        at = isOwn ? Math.Max(at, limit) : at;
        end = isOwn ? end : EndOf(at);
        for (; at < end; at += sizeof(ulong))
        {
            found = *(ulong*)at;
            if (range.IsReachedFrom(found) && (!returnsOnly || IsReturn(range, found)))
            {
                return true;
            }
        }

        found = 0;
        return false;
    }

    /// <summary>True at or above the limit, and in the part of the same reservation that is not in use yet.</summary>
    private static bool IsSameStack(ulong at, ulong limit) => at >= limit || Memory.AllocationOf(at) == Memory.AllocationOf(limit);

    /// <summary>A stack that the system does not know: as far as there is memory.</summary>
    private static ulong EndOf(ulong start)
    {
        var maps = new MapsReader(null, 0);
        ulong end = start;
        while (end - start < MaxDepth && maps.Next(end, out MapEntry map) && map.Start <= end && (map.Protection & Memory.ProtRead) != 0)
        {
            end = map.End;
        }

        return Math.Min(end, start + MaxDepth) & ~(sizeof(ulong) - 1ul);
    }

    /// <summary>True if there may be a call before this address. The caller has the range, so its text is there.</summary>
    private static bool IsReturn(AddressRange range, ulong address)
    {
        int length = (int)Math.Min(address - range.Start, X86Instruction.LongestCall);
        ulong first = address - (ulong)length;
        return length != 0 && CanRead(first) && CanRead(address - 1)
            && X86Instruction.MayEndWithCall(new ReadOnlySpan<byte>((void*)first, length));
    }

    private static bool CanRead(ulong address) =>
        new MapsReader(null, 0).Next(address, out MapEntry map) && map.Start <= address && (map.Protection & Memory.ProtRead) != 0;
}
