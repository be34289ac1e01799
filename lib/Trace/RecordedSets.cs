using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>Which set of ops is the recorder's alone, so that the trampoline records its calls itself. Called with the trace mutex held.</summary>
internal static unsafe class RecordedSets
{
    /// <summary>An ops got its number. If it is the recorder's, the trampoline records its calls, unless it has options that only the handlers know.</summary>
    public static void NoteRecorder(void* ops, int id)
    {
        var recorder = (FtraceGraphOps*)Native.Table->RecorderGraphOps;
        var words = (byte*)Native.Table->Recorder;
        bool isPlain = recorder->MaxDepth == 0 && *(ulong*)(words + Offsets.Recorder_MinTime) == 0 && *(uint*)(words + Offsets.Recorder_CountsNs) == 0;
        if (ops != recorder || !isPlain)
        {
            return;
        }

        if (recorder->Retfunc != null)
        {
            Volatile.Write(ref GraphSets.Shared->Plain, 1ul << id);
        }
        else
        {
            Volatile.Write(ref GraphSets.Shared->PlainEntries, 1ul << id);
        }

        Native.Table->RecordApplySets();
    }

    /// <summary>An ops loses its number.</summary>
    public static void ForgetRecorder(int id)
    {
        if (GraphSets.Shared->Plain == 1ul << id)
        {
            Volatile.Write(ref GraphSets.Shared->Plain, GraphSets.None);
        }

        if (GraphSets.Shared->PlainEntries == 1ul << id)
        {
            Volatile.Write(ref GraphSets.Shared->PlainEntries, GraphSets.None);
        }

        Native.Table->RecordApplySets();
    }

    /// <summary>Where to look for a free number: the recorder's is to be lower than those of its triggers, whose handlers are called after its own.</summary>
    /// <param name="ops">Of ftrace/graph.h.</param>
    /// <param name="next">For others.</param>
    public static int FirstNumberFor(void* ops, int next)
    {
        if (ops == Native.Table->RecorderGraphOps)
        {
            return 0;
        }

        ulong offset = (ulong)ops - (ulong)Native.Table->TriggerOps;
        return offset < Offsets.Triggers_Most * Offsets.FtraceGraphOps_SizeOf ? GraphSets.MaxOps - Offsets.Triggers_Most : next;
    }
}
