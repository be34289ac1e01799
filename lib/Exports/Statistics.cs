using System;
using System.Buffers.Text;
using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Exports;

/// <summary>Gathers the counters for the host.</summary>
internal static unsafe class Statistics
{
    public static void Fill(FtraceStats* stats, ProtocolState* protocol, StopState* stop, TrapState* traps, TextState* text, PatchState* patch)
    {
        stats->Patches = patch->Patches;
        stats->Stops = stop->Stops;
        stats->StoppedThreads = stop->StoppedThreads;
        stats->LastStopNs = stop->LastStopNs;
        stats->MaxStopNs = stop->MaxStopNs;
        stats->NmiWaitCount = protocol->NmiWaitCount;
        stats->NmiUpdateCount = protocol->NmiUpdateCount;
        stats->DeferredStops = stop->DeferredStops;
        stats->MaskedStops = stop->MaskedStops;
        stats->BreakpointHits = traps->Hits;
        stats->GcCollections = (ulong)GC.CollectionCount(0);
        stats->ManagedBytes = (ulong)GC.GetTotalAllocatedBytes();
        stats->LastMethod = (ulong)patch->LastMethod;
        stats->LastWriter = (ulong)text->LastWriter;
        stats->SeizedThreads = stop->SeizedThreads;
    }

    /// <summary>Formats "%u %u" with the protocol's counters, truncated and 0-terminated as by snprintf().</summary>
    /// <returns>The length of the whole text.</returns>
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
