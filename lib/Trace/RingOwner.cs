using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>What becomes of a ring when its thread has ended: Native/recorder.c, lib/Record.</summary>
internal static unsafe class RingOwner
{
    /// <summary>Takes the ring away from a record whose thread has ended, or that is new.</summary>
    [NoInstr]
    public static void End(ref TraceThread thread)
    {
        void* ring = thread.Ring;
        void* none = Native.Table->NoRing;
        thread.Ring = none;
        if (ring != null && ring != none)
        {
            Volatile.Write(ref *(ulong*)((byte*)ring + Offsets.Ring_Owner), Offsets.Ring_Ended);
        }
    }
}
