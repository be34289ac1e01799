using System;
using System.Buffers.Text;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>A trigger as it is written: PATTERN:ACTION, PATTERN:ACTION:COUNT, PATTERN:ACTION:>TIME or PATTERN:ACTION:>TIME:COUNT.</summary>
internal ref struct TriggerText
{
    private const ulong NsPerUs = 1_000;
    private const ulong LongestNs = 3600UL * Clock.NsPerSecond;

    public ReadOnlySpan<byte> Pattern;
    public uint Action;

    /// <summary>How often; -1: always.</summary>
    public long Count;

    /// <summary>0: at the entry.</summary>
    public ulong LongerNs;

    /// <returns>False if it is malformed.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out TriggerText trigger)
    {
        trigger = default;
        return TryParse(text, ":snapshot"u8, Offsets.Trigger_Snapshot, ref trigger)
            || TryParse(text, ":traceoff"u8, Offsets.Trigger_TraceOff, ref trigger)
            || TryParse(text, ":traceon"u8, Offsets.Trigger_TraceOn, ref trigger);
    }

    private static bool TryParse(ReadOnlySpan<byte> text, ReadOnlySpan<byte> action, uint number, ref TriggerText trigger)
    {
        int at = text.LastIndexOf(action);
        if (at <= 0)
        {
            return false;
        }

        trigger.Pattern = text[..at];
        trigger.Action = number;
        trigger.Count = -1;
        trigger.LongerNs = 0;
        ReadOnlySpan<byte> rest = text[(at + action.Length)..];
        if (rest.StartsWith(":>"u8) && !TryTakeTime(ref rest, out trigger.LongerNs))
        {
            return false;
        }

        return rest.IsEmpty || (TryTakeCount(ref rest, out trigger.Count) && rest.IsEmpty);
    }

    private static bool TryTakeTime(ref ReadOnlySpan<byte> rest, out ulong ns)
    {
        rest = rest[2..];
        if (!Utf8Parser.TryParse(rest, out ns, out int used) || ns == 0)
        {
            return false;
        }

        rest = rest[used..];
        int end = rest.IndexOf((byte)':');
        ReadOnlySpan<byte> unit = end < 0 ? rest : rest[..end];
        rest = rest[unit.Length..];
        ulong factor = FactorOf(unit);
        bool isValid = factor != 0 && ns <= LongestNs / factor;
        ns *= factor;
        return isValid;
    }

    /// <summary>Of a unit of time; 0: there is no such unit.</summary>
    private static ulong FactorOf(ReadOnlySpan<byte> unit)
    {
        if (unit.IsEmpty || unit.SequenceEqual("ns"u8))
        {
            return 1;
        }

        if (unit.SequenceEqual("us"u8))
        {
            return NsPerUs;
        }

        if (unit.SequenceEqual("ms"u8))
        {
            return Clock.NsPerMs;
        }

        return unit.SequenceEqual("s"u8) ? (ulong)Clock.NsPerSecond : 0;
    }

    private static bool TryTakeCount(ref ReadOnlySpan<byte> rest, out long count)
    {
        count = 0;
        if (rest.Length < 2 || rest[0] != ':' || !Utf8Parser.TryParse(rest[1..], out count, out int used) || count <= 0)
        {
            return false;
        }

        rest = rest[(1 + used)..];
        return true;
    }
}
