using System;
using System.Numerics;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>
/// Calls that start a snapshot, or switch recording: the kernel's commands of set_ftrace_filter. Each has an ops of its own, whose handlers are
/// in Native/trigger.c. Called with the recorder's mutex held.
/// </summary>
internal static unsafe class Triggers
{
    public const int Most = Offsets.Triggers_Most;

    private const ulong OpsFlags = FtraceOps.NoVectors | FtraceOps.SkipForeign | FtraceOps.Pending;

    private static Trigger* All => (Trigger*)Native.Table->Triggers;

    private static FtraceGraphOps* OpsOf(int index) => (FtraceGraphOps*)Native.Table->TriggerOps + index;

    /// <summary>A recording begins: no trigger has fired.</summary>
    public static void Begin()
    {
        RecorderWords.Shared->Muted = 0;
        Native.Table->RecordApplySets();
    }

    /// <param name="text">Triggers, separated by semicolons or newlines.</param>
    /// <param name="resets">Those before are removed.</param>
    /// <returns>0, -EINVAL, -ENOSPC, or an error of the registration; then the triggers are those before.</returns>
    public static int Set(ReadOnlySpan<byte> text, bool resets)
    {
        // All of them can be parsed, and there are enough free ones?
        uint before = Used();
        int free = Most - BitOperations.PopCount(before);
        int error = 0;
        for (ReadOnlySpan<byte> rest = text; TryTakeNext(ref rest, out ReadOnlySpan<byte> next) && error == 0; free--)
        {
            error = TriggerText.TryParse(next, out _) ? 0 : -Errno.EINVAL;
            error = error == 0 && free == 0 ? -Errno.ENOSPC : error;
        }

        for (ReadOnlySpan<byte> rest = text; error == 0 && TryTakeNext(ref rest, out ReadOnlySpan<byte> next);)
        {
            TriggerText.TryParse(next, out TriggerText trigger);
            error = Add(trigger);
        }

        if (error != 0)
        {
            Remove(Used() & ~before);
        }
        else if (resets)
        {
            Remove(before);
        }

        return error;
    }

    /// <summary>How the recorder calls a trigger, for the reader of a snapshot.</summary>
    public static ReadOnlySpan<byte> TextOf(int index) => All[index].Longer != 0 ? "trigger: a call took longer"u8 : "trigger: a call"u8;

    /// <summary>Removes all: the recording ends.</summary>
    public static void RemoveAll() => Remove(Used());

    private static bool TryTakeNext(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> next)
    {
        next = default;
        while (!rest.IsEmpty && next.IsEmpty)
        {
            int end = rest.IndexOfAny((byte)';', (byte)'\n');
            next = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
        }

        return !next.IsEmpty;
    }

    private static uint Used()
    {
        uint used = 0;
        for (int i = 0; i < Most; i++)
        {
            used |= All[i].IsUsed << i;
        }

        return used;
    }

    private static int Add(TriggerText text)
    {
        int index = BitOperations.TrailingZeroCount(~Used());
        Trigger* trigger = All + index;
        trigger->Action = text.Action;
        trigger->Left = text.Count;
        trigger->Longer = Tsc.FromNs(text.LongerNs);
        FtraceGraphOps* ops = OpsOf(index);
        *ops = new FtraceGraphOps
        {
            Size = (nuint)sizeof(FtraceGraphOps),
            Entryfunc = Native.Table->TriggerEntry,
            Retfunc = trigger->Longer != 0 ? Native.Table->TriggerReturn : null,
            Flags = OpsFlags,
            Data = trigger,
        };

        fixed (byte* pattern = text.Pattern)
        {
            var rule = new TraceRule { Kind = RuleKind.Filter, Reset = true };
            rule.Error = rule.TryParse(pattern, text.Pattern.Length) ? 0 : -Errno.EINVAL;
            int error = Run(TraceOperation.SetRule, ops, rule);
            error = error != 0 ? error : Run(TraceOperation.Register, ops);
            trigger->IsUsed = error == 0 ? 1u : 0u;
            if (error == 0 && NumberOf(ops) < NumberOf((FtraceGraphOps*)Native.Table->RecorderGraphOps))
            {
                // Its handler would be called before the recorder's, and the call not be recorded yet.
                Remove(1u << index);
                error = -Errno.ENOSPC;
            }
            else if (error != 0)
            {
                Run(TraceOperation.FreeFilter, ops);
            }

            return error;
        }
    }

    private static void Remove(uint set)
    {
        for (int i = 0; i < Most; i++)
        {
            if ((set >> i & 1) != 0)
            {
                // If it fails the handlers are not called any more all the same.
                Run(TraceOperation.Unregister, OpsOf(i));
                Run(TraceOperation.FreeFilter, OpsOf(i));
                Volatile.Write(ref All[i].IsUsed, 0u);
            }
        }
    }

    /// <summary>The number by which handlers are ordered; -1: it is not registered.</summary>
    private static int NumberOf(FtraceGraphOps* ops)
    {
        var table = (byte*)Native.Table->OpsTable;
        int number = GraphSets.MaxOps - 1;
        while (number >= 0 && *(FtraceGraphOps**)(table + number * Offsets.OpsEntry_SizeOf + Offsets.OpsEntry_Ops) != ops)
        {
            number--;
        }

        return number;
    }

    private static int Run(TraceOperation operation, FtraceGraphOps* ops, in TraceRule rule = default)
    {
        var call = new TraceCall { Operation = operation, Ops = (FtraceOps*)ops, IsGraph = true, Rule = rule };
        return Tracing.Run(ref call);
    }
}
