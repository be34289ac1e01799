using System;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Sites;
using Ftrace.Stop;

namespace Ftrace.Trace;

/// <summary>Handlers and their functions: what ftrace/trace.h and ftrace/sites.h offer. The kernel's kernel/trace/ftrace.c.</summary>
/// <remarks>
/// <para>Every change goes the same way: the sites say which handlers they want (<see cref="Site.Wanted"/>), and
/// <see cref="SitePatcher"/> makes the text agree, all or nothing. Then whoever was taken out is waited for.</para>
/// <para>Two locks, in this order: the trace mutex, and the loader's, so that no object goes meanwhile.</para>
/// </remarks>
internal static unsafe class Tracing
{
    private static TraceOps* s_first;

    /// <summary>Taken out of the table by the operation that is on; it is waited for without the loader's lock, which a handler may want.</summary>
    private static TraceOps* s_retiring;

    /// <summary>Runs an operation with both locks, the objects looked at, and its memory reserved.</summary>
    private static int Change(delegate*<void*, int> operation, void* argument)
    {
        NmiThread* self = Native.CurrentThread;
        if (StopMachine.IsOpen(self) || TraceThreads.IsInHandler(self) || SharedState.Get->Patch.Owner == (ulong)self)
        {
            return -Errno.EDEADLK;
        }

        TraceState* state = &SharedState.Get->Trace;
        FutexMutex.Lock(&state->Mutex);
        var call = new Call { Operation = operation, Argument = argument };
        int error = TraceSlots.Reserve() && TraceThreads.Reserve() && StubArea.Reserve()
            ? LoadedObjects.Locked(&LookAndRun, &call)
            : -Errno.ENOMEM;
        if (s_retiring != null)
        {
            int grace = Retire(self);
            error = error != 0 ? error : grace;
        }

        FutexMutex.Unlock(&state->Mutex);
        return error;
    }

    private static int LookAndRun(void* argument)
    {
        var call = (Call*)argument;
        int error = LoadedObjects.Update();
        if (error == 0)
        {
            error = AdoptNewObjects();
        }

        return error != 0 || call->Operation == null ? error : call->Operation(call->Argument);
    }

    /// <summary>Functions of new objects that a registered ops wants.</summary>
    private static int AdoptNewObjects()
    {
        bool any = false;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (TraceOps* ops = s_first; target->IsNew && ops != null; ops = ops->Next)
            {
                any |= ops->Id >= 0 && Want(target, ops);
            }

            target->IsNew = false;
        }

        return any ? SitePatcher.Apply() : 0;
    }

    public static int Register(FtraceOps* ops) => Change(&Register, ops);

    private static int Register(void* argument)
    {
        TraceOps* record = FindOrAdd((FtraceOps*)argument);
        if (record == null)
        {
            return -Errno.ENOMEM;
        }

        if (record->Id >= 0)
        {
            return -Errno.EEXIST;
        }

        record->Id = TraceSlots.Add(record->Ops);
        if (record->Id < 0)
        {
            return -Errno.ENOSPC;
        }

        Want(record);
        int error = SitePatcher.Apply();
        if (error != 0)
        {
            TakeOut(record);
        }

        return error;
    }

    public static int Unregister(FtraceOps* ops) => Change(&Unregister, ops);

    private static int Unregister(void* argument)
    {
        TraceOps* record = Find((FtraceOps*)argument);
        if (record == null || record->Id < 0)
        {
            return -Errno.ENOENT;
        }

        ulong bit = 1ul << record->Id;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                target->FirstSite[i].Wanted &= ~bit;
            }
        }

        int error = SitePatcher.Apply();
        TakeOut(record);
        return error;
    }

    /// <summary>From here on nobody begins to call the ops.</summary>
    private static void TakeOut(TraceOps* record)
    {
        TraceSlots.Remove(record->Id);
        s_retiring = record;
    }

    /// <summary>Nobody calls the ops any more when this returns; its number is free.</summary>
    private static int Retire(NmiThread* self)
    {
        int error = TraceGrace.Wait(self);
        TraceSlots.Forget(s_retiring->Id);
        s_retiring->Id = -1;
        s_retiring = null;
        return error;
    }

    /// <summary>Adds a pattern or an address, and changes the text if the ops is registered.</summary>
    public static int SetRule(ref TraceRule rule)
    {
        fixed (TraceRule* argument = &rule)
        {
            return Change(&SetRule, argument);
        }
    }

    private static int SetRule(void* argument)
    {
        var rule = (TraceRule*)argument;
        TraceOps* record = FindOrAdd(rule->Ops);
        TraceOps* before = TraceOps.New(rule->Ops);
        if (record == null || before == null)
        {
            return -Errno.ENOMEM;
        }

        record->CopyRulesTo(before);
        int error = SetRule(record, rule);
        if (error != 0)
        {
            before->CopyRulesTo(record);
            if (record->Id >= 0)
            {
                Want(record);
            }
        }

        TraceOps.Free(before);
        return error;
    }

    private static int SetRule(TraceOps* record, TraceRule* rule)
    {
        if (rule->Reset)
        {
            record->Forget(rule->Kind == RuleKind.Notrace);
        }

        if (!rule->Nothing)
        {
            int error = record->Add(rule->Kind, rule->Negated, new ReadOnlySpan<byte>(rule->Name, rule->NameLength), new ReadOnlySpan<byte>(rule->File, rule->FileLength), rule->Ip);
            if (error != 0)
            {
                return error;
            }

            if (!IsKnown(record))
            {
                return -Errno.ENOENT;
            }
        }

        if (record->Id < 0)
        {
            return 0;
        }

        Want(record);
        return SitePatcher.Apply();
    }

    public static int FreeFilter(FtraceOps* ops) => Change(&FreeFilter, ops);

    private static int FreeFilter(void* argument)
    {
        TraceOps* record = Find((FtraceOps*)argument);
        if (record == null)
        {
            return 0;
        }

        if (record->Id >= 0)
        {
            return -Errno.EBUSY;
        }

        if (s_first == record)
        {
            s_first = record->Next;
        }

        for (TraceOps* other = s_first; other != null; other = other->Next)
        {
            other->Next = other->Next == record ? record->Next : other->Next;
        }

        TraceOps.Free(record);
        return 0;
    }

    public static int UpdateSites() => Change(null, null);

    public static int ForEach(void* fn, void* data, bool enabledOnly)
    {
        var list = new SiteList { Fn = fn, Data = data, EnabledOnly = enabledOnly };
        return Change(&ForEach, &list);
    }

    private static int ForEach(void* argument) => ((SiteList*)argument)->Run();

    /// <summary>True if the rule added last matches some function.</summary>
    private static bool IsKnown(TraceOps* record)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                if (record->LastRuleMatches(target, target->FirstSite + i))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static void Want(TraceOps* record)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            Want(target, record);
        }
    }

    /// <summary>Notes which of an object's functions the ops wants. True if it wants any.</summary>
    private static bool Want(LoadedObject* target, TraceOps* record)
    {
        ulong bit = 1ul << record->Id;
        bool any = false;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            bool wants = record->Wants(target, site);
            site->Wanted = wants ? site->Wanted | bit : site->Wanted & ~bit;
            any |= wants;
        }

        return any;
    }

    private static TraceOps* Find(FtraceOps* ops)
    {
        TraceOps* record = s_first;
        while (record != null && record->Ops != ops)
        {
            record = record->Next;
        }

        return record;
    }

    private static TraceOps* FindOrAdd(FtraceOps* ops)
    {
        TraceOps* record = Find(ops);
        if (record == null)
        {
            record = TraceOps.New(ops);
            if (record != null)
            {
                record->Next = s_first;
                s_first = record;
            }
        }

        return record;
    }

    private struct Call
    {
        public delegate*<void*, int> Operation;
        public void* Argument;
    }
}
