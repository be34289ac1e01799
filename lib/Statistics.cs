using System;
using System.Buffers.Text;
using Ftrace.Protocol;

namespace Ftrace;

/// <summary>Gathers the counters for the host.</summary>
internal static unsafe class Statistics
{
    public static void Fill(FtraceStats* stats, SharedState* state)
    {
        stats->Patches = state->Patch.Patches;
        stats->Stops = state->Stop.Stops;
        stats->StoppedThreads = state->Stop.StoppedThreads;
        stats->LastStopNs = state->Stop.LastStopNs;
        stats->MaxStopNs = state->Stop.MaxStopNs;
        stats->NmiWaitCount = state->Protocol.NmiWaitCount;
        stats->NmiUpdateCount = state->Protocol.NmiUpdateCount;
        stats->DeferredStops = state->Stop.DeferredStops;
        stats->MaskedStops = state->Stop.MaskedStops;
        stats->BreakpointHits = state->Breakpoint.Hits;
        stats->GcCollections = (ulong)GC.CollectionCount(0);
        stats->ManagedBytes = (ulong)GC.GetTotalAllocatedBytes();
        stats->LastMethod = (ulong)state->Patch.LastMethod;
        stats->LastWriter = (ulong)state->Patch.LastWriter;
        stats->SeizedThreads = state->Stop.SeizedThreads;
    }

    /// <summary>"%u %u" with the protocol's counters, cut off and ended with a 0 as snprintf() does.</summary>
    /// <returns>Length of the whole text.</returns>
    public static int FormatDynInfo(Span<byte> buffer, ProtocolState* protocol)
    {
        Span<byte> text = stackalloc byte[24];
        Utf8Formatter.TryFormat(protocol->NmiWaitCount, text, out int length);
        text[length++] = (byte)' ';
        Utf8Formatter.TryFormat(protocol->NmiUpdateCount, text[length..], out int second);
        length += second;

        if (!buffer.IsEmpty)
        {
            int kept = Math.Min(length, buffer.Length - 1);
            text[..kept].CopyTo(buffer);
            buffer[kept] = 0;
        }

        return length;
    }
}
