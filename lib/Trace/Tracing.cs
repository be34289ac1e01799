using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.JumpLabel;
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

    /// <summary>Carries a call out with both locks, the objects looked at, and its memory reserved.</summary>
    public static int Run(ref TraceCall call)
    {
        if (!TryLock())
        {
            return -Errno.EDEADLK;
        }

        call.Result = -Errno.ENOMEM;
        if (TraceSlots.Reserve() && TraceThreads.Reserve() && StubArea.Reserve())
        {
            fixed (TraceCall* argument = &call)
            {
                Native.Table->IterateObjects(&RunLocked, argument);
            }
        }

        int error = call.Result;
        if (s_retiring != null)
        {
            int grace = Retire(Native.CurrentThread);
            error = error != 0 ? error : grace;
        }

        Unlock();
        return error;
    }

    /// <summary>Takes the trace mutex, unless the thread is where it would wait for itself.</summary>
    public static bool TryLock()
    {
        NmiThread* self = Native.CurrentThread;
        if (StopMachine.IsOpen(self) || TraceThreads.IsInHandler(self) || SharedState.Get->Patch.Owner == (ulong)self)
        {
            return false;
        }

        FutexMutex.Lock(&SharedState.Get->Trace.Mutex);
        return true;
    }

    public static void Unlock() => FutexMutex.Unlock(&SharedState.Get->Trace.Mutex);

    /// <summary>Called once, for whatever object: what counts is that the loader's lock is held meanwhile.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunLocked(DlPhdrInfo* info, nuint size, void* data)
    {
        var call = (TraceCall*)data;
        call->Result = LoadedObjects.Update();
        if (call->Result == 0)
        {
            call->Result = AdoptNewObjects();
        }

        if (call->Result == 0)
        {
            call->Result = call->Operation switch
            {
                TraceOperation.Register => Register(call->Ops),
                TraceOperation.Unregister => Unregister(call->Ops),
                TraceOperation.SetRule => SetRule(call),
                TraceOperation.FreeFilter => FreeFilter(call->Ops),
                TraceOperation.List => call->List.Run(),
                TraceOperation.Update => JumpPatcher.ApplyToNew(),
                _ => 0,
            };
        }

        return 1;
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

    private static int Register(FtraceOps* ops)
    {
        TraceOps* record = FindOrAdd(ops);
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

    private static int Unregister(FtraceOps* ops)
    {
        TraceOps* record = Find(ops);
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
    private static int SetRule(TraceCall* call)
    {
        TraceRule* rule = &call->Rule;
        TraceOps* record = FindOrAdd(call->Ops);
        TraceOps* before = TraceOps.New(call->Ops);
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

    private static int FreeFilter(FtraceOps* ops)
    {
        TraceOps* record = Find(ops);
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
}
