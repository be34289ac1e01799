using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.JumpLabel;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>Tracing: ftrace/trace.h and ftrace/sites.h. The kernel's kernel/trace/ftrace.c.</summary>
/// <remarks>
/// <para>Every change has the same steps: the wanted ops of each site are set (<see cref="Site.Wanted"/>), and
/// <see cref="SitePatcher"/> makes the text agree, all or nothing. Then a grace period waits for handlers that were removed.</para>
/// <para>Two locks, in this order: the trace mutex, and the loader's, so that no object is unloaded meanwhile. Neither is held during a
/// grace period: a handler may want the loader's lock, or wait for a thread that waits for the trace mutex. Grace periods are numbered, so
/// that what was removed before one can be distinguished from what other threads have removed since.</para>
/// </remarks>
internal static unsafe class Tracing
{
    /// <summary>How long to wait for handlers before a call fails with -ENOSPC.</summary>
    private const long MaxReclaimNs = Clock.NsPerSecond;

    /// <summary>How long threads may take to stop when the host has not asked for a change.</summary>
    private const uint StopTimeoutMs = 100;

    private const int LineSize = 256;
    private const int InUse = 1;

    private static OpsRecord* s_first;

    /// <summary>How often an ops was registered.</summary>
    private static ulong s_registrations;

    /// <summary>Something was removed, and can be freed after a grace period.</summary>
    private static bool s_needsReclaim;

    /// <summary>Grace periods that have begun.</summary>
    private static uint s_gracePeriods;

    /// <summary>
    /// The number of grace periods that had begun when a call returned although a handler that it removed may still be running; 0: there is none.
    /// </summary>
    private static uint s_unconfirmedGrace;

    /// <summary>Bit n: the ops with number n was removed, but not all calls of it could be changed back.</summary>
    private static ulong s_leftoverOps;

    /// <summary>An ops with FTRACE_OPS_FL_PENDING is registered.</summary>
    private static bool s_isPending;

    /// <summary>The hook is set, and wanted: there should be an agent. Read without the mutex.</summary>
    private static bool s_wantsAgent;

    /// <summary>The thread that forks holds the trace mutex.</summary>
    private static NmiThread* s_forking;

    /// <summary>Executes a call, with memory reserved, both locks held and the list of objects updated.</summary>
    public static int Run(ref TraceCall call)
    {
        int lockError = TryLock();
        if (lockError != 0)
        {
            return lockError;
        }

        RunOnce(ref call);
        if (call.Result == -Errno.ENOSPC && call.Operation is TraceOperation.Register or TraceOperation.SetRule)
        {
            // Slots or numbers of removed ops may not have been freed yet.
            Reclaim(MaxReclaimNs);
            RunOnce(ref call);
        }

        int error = call.Result;
        if (call.Operation == TraceOperation.SetRule && call.Rule.Kind != RuleKind.Notrace && !call.IsRecorders)
        {
            NoteFilter(call.Key, error);
        }

        if (call.Ops != null)
        {
            FreeIfUnused(call.Key);
        }

        // Only a call that has to waits for handlers: any other one may come from a constructor, with the loader's lock held.
        bool waits = call.RemovedHandlers || (call.Operation == TraceOperation.Update && s_unconfirmedGrace != 0);
        bool reclaims = waits || s_needsReclaim || TraceSlots.ManySlotsUsed || LoadedObjects.HasDropped;
        bool lacksNames = LoadedObjects.LackNames;
        Unlock();

        // Before the wait, which a signal handler may leave.
        int agentError = Agent.Keep(ref s_wantsAgent, lacksNames);
        if (agentError != 0 && call.Operation == TraceOperation.Register)
        {
            ReportNoHook("no thread can be created"u8, agentError);
        }

        int graceError = reclaims ? LockAndReclaim(waits) : 0;
        return error != 0 ? error : graceError;
    }

    /// <param name="waits">Handlers were removed; else what can be freed soon is freed.</param>
    private static int LockAndReclaim(bool waits)
    {
        Lock();
        int error = IsTorn ? -Errno.EAGAIN : Reclaim(waits ? TraceGrace.LongNs : TraceGrace.BriefNs);
        s_unconfirmedGrace = waits && error != 0 ? s_gracePeriods : s_unconfirmedGrace;
        Unlock();
        return waits ? error : 0;
    }

    /// <summary>
    /// Finds and traces what was opened, while the loader waits: called by the agent. Nothing is waited for with the loader's lock held but
    /// the stop, and not even that for long: what is in use may be in use by the thread that opens the object.
    /// </summary>
    /// <param name="isAgain">It has looked before, and what was in the way has been reported.</param>
    /// <returns>0; 1 if that is the case; or a temporary error.</returns>
    public static int Look(bool isAgain)
    {
        int result = isAgain ? 1 : 0;
        if (!IsTorn)
        {
            DlPhdrInfo.Iterate(&LookLocked, &result);
        }

        return result is -Errno.ENOMEM or -Errno.EAGAIN or -Errno.ETIMEDOUT or InUse ? result : 0;
    }

    /// <summary>As <see cref="RunLocked"/>, but with the locks taken in the other order.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LookLocked(DlPhdrInfo* info, nuint size, void* data)
    {
        NmiThread* self = CurrentThread.Words;
        var result = (int*)data;
        bool isAgain = *result != 0;
        *result = InUse;
        if (!FutexMutex.TryLock(&TraceState.Shared->Mutex))
        {
            return 1;
        }

        TraceState.Shared->Owner = (ulong)self;
        if (PatchGate.TryPrepare(self))
        {
            *result = -Errno.ENOMEM;
            if (TraceSlots.Reserve() && TraceThreads.Reserve() && StubArea.Reserve())
            {
                SitePatcher.LimitTo(StopTimeoutMs, isQuiet: isAgain);
                int updated = LoadedObjects.Update(resolve: true);
                int adopted = AdoptNewObjects(isOpening: true);
                *result = updated != 0 ? updated : adopted;
                SitePatcher.LimitTo(0, isQuiet: false);
                DisplayNames.End();
            }

            PatchGate.PostProcess(self);
        }

        Unlock();
        return 1;
    }

    /// <summary>Frees what can be freed soon: called by the agent, while nothing waits for it.</summary>
    public static void ReclaimBriefly()
    {
        if (TryLock() != 0)
        {
            return;
        }

        if (s_needsReclaim || LoadedObjects.HasDropped)
        {
            Reclaim(TraceGrace.BriefNs);
        }

        Unlock();
    }

    /// <summary>Sets the hook in the loader, or removes it. Only a call that changes whether it is wanted waits for threads to stop.</summary>
    private static void KeepHook(TraceOperation operation)
    {
        s_isPending = false;
        for (OpsRecord* ops = s_first; ops != null; ops = ops->Next)
        {
            s_isPending |= ops->Id >= 0 && (ops->Flags & FtraceOps.Pending) != 0;
        }

        bool isOwn = operation is TraceOperation.Register or TraceOperation.Unregister;
        PatchRequest request = PatchRequest.Single;
        int error = LoaderHook.Set(s_isPending, isOwn ? request : request with { TimeoutMs = StopTimeoutMs });
        Volatile.Write(ref s_wantsAgent, s_isPending && LoaderHook.IsSet);
        if (error != 0 && s_isPending && operation == TraceOperation.Register)
        {
            ReportNoHook(error == -Errno.ENOENT ? "a debugger or another tool has changed its _dl_debug_state()"u8 : "its _dl_debug_state() cannot be changed"u8, error);
        }
    }

    private static void ReportNoHook(ReadOnlySpan<byte> reason, int error)
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: the loader cannot be watched: "u8);
        line.Add(reason);
        line.Add(" (errno "u8);
        line.Add(-error);
        line.Add("); functions of objects that are opened later are traced from the next call of the library on"u8);
        line.Print();
    }

    /// <summary>
    /// Finds what is at an address. Does not look for new objects: that would read their tables.
    /// </summary>
    public static int Lookup(ref AddressLookup lookup)
    {
        int error = TryLock();
        if (error != 0)
        {
            return error;
        }

        // To demangle names, the thread is marked.
        int result = TraceThreads.Reserve() ? lookup.Run() : -Errno.ENOMEM;
        Unlock();
        return result;
    }

    private static void RunOnce(ref TraceCall call)
    {
        call.Result = -Errno.ENOMEM;
        if (TraceSlots.Reserve() && TraceThreads.Reserve() && StubArea.Reserve())
        {
            fixed (TraceCall* argument = &call)
            {
                DlPhdrInfo.Iterate(&RunLocked, argument);
            }
        }
    }

    /// <summary>
    /// Waits for a grace period, and frees what was removed before it. Called with the trace mutex held, which is released
    /// meanwhile.
    /// </summary>
    private static int Reclaim(long budget)
    {
        uint number = ++s_gracePeriods;
        s_needsReclaim = false;
        TraceSlots.Retire(number);
        LoadedObjects.RetireDropped(number);
        Unlock();
        int error = TraceGrace.Wait(CurrentThread.Words, budget);
        Lock();
        if (IsTorn)
        {
            return -Errno.EAGAIN; // the child of a fork in a handler
        }

        if (error != 0)
        {
            s_needsReclaim = true;
            return error;
        }

        TraceSlots.FreeRetired(number);
        LoadedObjects.FreeDropped(number);
        s_unconfirmedGrace = s_unconfirmedGrace >= number ? s_unconfirmedGrace : 0;
        return 0;
    }

    /// <summary>True in a child that was created while another thread was changing this state: nothing can be traced, and no key changed.</summary>
    private static bool IsTorn => TraceState.Shared->Torn != 0;

    /// <summary>Takes the trace mutex.</summary>
    /// <returns>0; -EDEADLK if the thread would wait for itself; -EAGAIN if the state is inconsistent. Then the mutex is not taken.</returns>
    public static int TryLock()
    {
        if (IsTorn)
        {
            return -Errno.EAGAIN;
        }

        if (WaitsForItself(CurrentThread.Words))
        {
            return -Errno.EDEADLK;
        }

        Lock();
        if (!IsTorn)
        {
            return 0;
        }

        Unlock(); // the child of a fork in a handler that interrupted the wait
        return -Errno.EAGAIN;
    }

    /// <summary>As <see cref="FutexMutex"/>, but while this waits no signal is blocked, and a handler may leave by siglongjmp().</summary>
    private static void Lock()
    {
        uint* word = &TraceState.Shared->Mutex;
        if (!FutexMutex.TryLock(word))
        {
            while (Interlocked.Exchange(ref *word, 2u) != 0)
            {
                Native.Table->Idle(word, 2, 0);
            }
        }

        TraceState.Shared->Owner = (ulong)CurrentThread.Words;
    }

    public static void Unlock()
    {
        TraceState.Shared->Owner = 0;
        FutexMutex.Unlock(&TraceState.Shared->Mutex);
    }

    /// <summary>True in a handler, whose end the call may wait for; or if the owner of the trace mutex may wait for this thread.</summary>
    public static bool WaitsForItself(NmiThread* self) => TraceThreads.IsInHandler(self) || IsWaitedFor(self);

    /// <summary>True if the owner of the trace mutex may wait for this thread: for the patch mutex, or for its stop window.</summary>
    [NoInstr]
    private static bool IsWaitedFor(NmiThread* self) => StopMachine.IsOpen(self) || PatchGate.IsOwner(self);

    /// <summary>Sets the function that reports are passed to.</summary>
    public static int SetPrint(void* print)
    {
        if (TraceThreads.IsInHandler(CurrentThread.Words))
        {
            return -Errno.EDEADLK;
        }

        HostPrint.Set(print);
        return 0;
    }

    /// <summary>
    /// Before a fork: takes the trace mutex, so that the child finds consistent state. In an NMI, with the patch mutex, or inside of a call,
    /// only if it is free: its owner may wait for this thread. Nobody waits for the end of a handler with the mutex held.
    /// </summary>
    /// <param name="self">The calling thread.</param>
    /// <param name="deadlineNs">Until when to wait: the owner may wait for a lock that this thread has.</param>
    [NoInstr]
    public static void ForkPrepare(NmiThread* self, long deadlineNs)
    {
        TraceState* trace = TraceState.Shared;
        bool mayWait = self->Saved == NmiThread.Outside && self->Busy == 0 && !IsWaitedFor(self);
        if (trace->Owner != (ulong)self && FutexMutex.TryLock(&trace->Mutex, mayWait ? deadlineNs : 0))
        {
            s_forking = self;
        }
    }

    [NoInstr]
    public static void ForkParent(NmiThread* self)
    {
        if (s_forking == self)
        {
            s_forking = null;
            FutexMutex.Unlock(&TraceState.Shared->Mutex);
        }
    }

    /// <summary>
    /// In the child of a fork. If the mutex was not taken before, another thread may have been changing what it protects; or this one, which
    /// continues.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        TraceState* trace = TraceState.Shared;
        if (trace->Owner != (ulong)self)
        {
            trace->Torn = trace->Mutex != 0 && s_forking == null ? 1 : trace->Torn;
            trace->Owner = 0;
            trace->Mutex = 0;
        }

        s_forking = null;
        TraceThreads.AfterFork(self);
    }

    /// <summary>Called once, for the first object, whichever it is: the purpose is that the loader's lock is held.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunLocked(DlPhdrInfo* info, nuint size, void* data)
    {
        var call = (TraceCall*)data;
        int updated = LoadedObjects.Update();
        RetryLeftoverCalls();
        int retried = RetryForeignSites(call->Operation == TraceOperation.Update);
        int adopted = AdoptNewObjects();

        // A call that removes something need not know all objects.
        bool needsAll = call->Operation is not (TraceOperation.Unregister or TraceOperation.FreeFilter or TraceOperation.UpdateFunc);
        call->Result = needsAll ? updated : 0;
        if (call->Operation == TraceOperation.Update)
        {
            int branches = JumpPatcher.ApplyToNew();
            adopted = retried != 0 ? retried : adopted;
            call->Result = FirstError(updated, adopted, branches);
        }
        else if (call->Result == 0)
        {
            call->Result = RunOperation(call);
        }

        KeepHook(call->Operation);
        DisplayNames.End();
        return 1;
    }

    private static int RunOperation(TraceCall* call) => call->Operation switch
    {
        TraceOperation.Register => Register(call->Key),
        TraceOperation.Unregister => Unregister(call),
        TraceOperation.SetRule => SetRule(call),
        TraceOperation.FreeFilter => FreeFilter(call->Key),
        TraceOperation.UpdateFunc => UpdateFunc(call),
        TraceOperation.List => call->List.Run(),
        _ => 0,
    };

    private static int FirstError(int first, int second, int third)
    {
        if (first != 0)
        {
            return first;
        }

        return second != 0 ? second : third;
    }

    /// <summary>Tries again to change back calls of removed ops that could not be changed back before.</summary>
    private static void RetryLeftoverCalls()
    {
        if (s_leftoverOps != 0)
        {
            ClearWanted(s_leftoverOps);
            s_leftoverOps = SitePatcher.Apply(SiteFailures.KeepQuiet) == 0 ? 0 : s_leftoverOps;
            s_needsReclaim = true;
        }
    }

    /// <summary>
    /// Traces functions that could not be changed because another tool had changed their entries, and that hold again what the library
    /// expects. Those that do not cost no stop of the other threads.
    /// </summary>
    /// <param name="looksAtAll">Also look at all traced functions, for calls that another tool has removed.</param>
    private static int RetryForeignSites(bool looksAtAll)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (looksAtAll)
            {
                ForeignSites.FindRemovedCalls(target);
            }

            if (!target->HasForeign)
            {
                continue;
            }

            target->HasForeign = false;
            for (int i = 0; i < target->SiteCount; i++)
            {
                Site* site = target->FirstSite + i;
                if (site->Foreign == ForeignState.None)
                {
                    continue;
                }

                if (ForeignSites.HasGone(target, site))
                {
                    site->Wanted = target->IsNew ? site->Current : WantedBy(target, site);
                    IpModify.Resolve(s_first, site);
                    bool changes = site->Wanted != site->Current;
                    target->Changing += changes ? 1 : 0;
                    site->Foreign = changes ? ForeignState.Found : ForeignState.None;
                }

                target->HasForeign |= site->Foreign != ForeignState.None;
            }
        }

        return SitePatcher.Apply(SiteFailures.SkipForeign);
    }

    /// <summary>The registered ops that want to be called from a site.</summary>
    private static ulong WantedBy(LoadedObject* target, Site* site)
    {
        ulong wanted = 0;
        for (OpsRecord* record = s_first; record != null; record = record->Next)
        {
            if (record->Id >= 0)
            {
                Selection selection = record->Select(target);
                bool wants = selection == Selection.All || (selection == Selection.Some && record->Wants(site));
                wanted |= wants ? 1ul << record->Id : 0;
            }
        }

        return wanted;
    }

    /// <summary>Traces the functions of new objects that registered ops want.</summary>
    /// <remarks>
    /// An object may be new whose thread has not relocated it yet, or not even mapped all that it needs. If the C++ library is among that, the names
    /// of the others cannot be demangled yet: <see cref="LoadedObject.LacksNames"/>.
    /// </remarks>
    /// <param name="isOpening">The agent looks, and is to look again.</param>
    private static int AdoptNewObjects(bool isOpening = false)
    {
        LoadedObjects.Observer?.Look();
        int result = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (!target->IsNew && !target->LacksNames)
            {
                continue;
            }

            target->LacksNames = false;
            SiteFailures failures = SiteFailures.SkipForeign;
            for (OpsRecord* ops = s_first; ops != null; ops = ops->Next)
            {
                if (ops->Id >= 0 && SetWanted(target, ops) && FailuresOf(ops) == SiteFailures.Refuse)
                {
                    failures = SiteFailures.RefuseOnce;
                }
            }

            int conflict = IpModify.Resolve(s_first, target);

            // A failure with one object does not keep another one from being traced. The next call tries again.
            int error = SitePatcher.Apply(failures);
            target->IsNew = error != 0;
            result = FirstError(result, error, conflict);
            if (isOpening && target->LacksNames)
            {
                result = FirstError(result, -Errno.EAGAIN, 0);
            }
        }

        return result;
    }

    private static SiteFailures FailuresOf(OpsRecord* record) =>
        (record->Flags & FtraceOps.SkipForeign) != 0 ? SiteFailures.SkipForeign : SiteFailures.Refuse;

    private static int Register(OpsKey ops)
    {
        OpsRecord* record = FindOrAdd(ops);
        if (record == null)
        {
            return -Errno.ENOMEM;
        }

        if (record->Id >= 0)
        {
            return -Errno.EEXIST;
        }

        if (record->LacksFilter)
        {
            return -Errno.ENOENT;
        }

        record->Id = TraceSlots.Add(record);
        if (record->Id < 0)
        {
            return -Errno.ENOSPC;
        }

        record->Registration = ++s_registrations;
        int error = ApplyFilter(record);
        if (error != 0)
        {
            RemoveOps(record);
        }

        return error;
    }

    /// <summary>Changes the text so that the ops is called from the functions that it selects.</summary>
    private static int ApplyFilter(OpsRecord* record)
    {
        if (record->ModifiesIp && !record->HasFilter)
        {
            return -Errno.EINVAL;
        }

        SetWanted(record);
        int error = IpModify.Verify(s_first, record);
        if (error != 0)
        {
            SitePatcher.Cancel();
            return error;
        }

        return SitePatcher.Apply(FailuresOf(record));
    }

    private static int Unregister(TraceCall* call)
    {
        OpsRecord* record = Find(call->Key);
        if (record == null || record->Id < 0)
        {
            return -Errno.ENOENT;
        }

        ulong bit = 1ul << record->Id;
        ClearWanted(bit);
        int error = SitePatcher.Apply(SiteFailures.ChangeOthers);
        s_leftoverOps |= error != 0 ? bit : 0;
        RemoveOps(record);
        call->RemovedHandlers = true;
        return error;
    }

    private static void ClearWanted(ulong mask)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            int changing = 0;
            for (int i = 0; i < target->SiteCount; i++)
            {
                Site* site = target->FirstSite + i;
                site->Wanted &= ~mask;
                changing += site->Wanted != site->Current ? 1 : 0;
            }

            target->Changing = changing;
        }
    }

    /// <summary>From here on no thread begins to call the ops. Its number can be reused once no call refers to it.</summary>
    private static void RemoveOps(OpsRecord* record)
    {
        TraceSlots.Remove(record->Id);
        record->Id = -1;
        s_needsReclaim = true;
    }

    /// <summary>Adds a pattern or an address, and changes the text if the ops is registered.</summary>
    private static int SetRule(TraceCall* call)
    {
        TraceRule* rule = &call->Rule;
        if (rule->Error != 0)
        {
            return rule->Error;
        }

        OpsRecord* before = OpsRecord.Create(call->Ops, call->IsGraph);
        if (before == null)
        {
            return -Errno.ENOMEM;
        }

        OpsRecord* record = FindOrAdd(call->Key);
        if (record == null)
        {
            OpsRecord.Free(before);
            return -Errno.ENOMEM;
        }

        record->CopyRulesTo(before);
        int error = SetRule(record, rule);
        if (error != 0)
        {
            before->CopyRulesTo(record); // the sites already want what they have
        }

        OpsRecord.Free(before);
        return error;
    }

    private static int SetRule(OpsRecord* record, TraceRule* rule)
    {
        if (rule->Reset)
        {
            record->RemoveRules(rule->Kind);
        }

        for (TraceRule* added = rule; added != null && !rule->ResetOnly; added = added->Next)
        {
            int error = AddRule(record, added);
            if (error != 0)
            {
                return error;
            }
        }

        if (record->Id < 0)
        {
            return 0;
        }

        return ApplyFilter(record);
    }

    private static int AddRule(OpsRecord* record, TraceRule* rule)
    {
        int error = record->Add(rule);
        if (error != 0)
        {
            return error;
        }

        bool mayMatchLater = (record->Flags & FtraceOps.Pending) != 0 && rule->Kind != RuleKind.Ip;
        if (!mayMatchLater && !LastRuleMatchesAny(record))
        {
            UnmatchedRule.Report(rule);
            return UnmatchedRule.ErrorOf(rule);
        }

        return 0;
    }

    private static int FreeFilter(OpsKey ops)
    {
        OpsRecord* record = Find(ops);
        if (record == null)
        {
            return 0;
        }

        if (record->Id >= 0)
        {
            return -Errno.EBUSY;
        }

        record->RemoveRules(RuleKind.Filter);
        record->RemoveRules(RuleKind.Notrace);
        record->HasFailedFilter = false;
        return 0;
    }

    /// <summary>Notes whether a filter was set: an ops whose only filter failed selects nothing, rather than everything.</summary>
    private static void NoteFilter(OpsKey ops, int error)
    {
        OpsRecord* record = error != 0 ? FindOrAdd(ops) : Find(ops);
        if (record != null)
        {
            record->HasFailedFilter = error != 0;
        }
    }

    /// <summary>Sets the trace function. The grace period also waits for threads that call the one before.</summary>
    private static int UpdateFunc(TraceCall* call)
    {
        int error = TraceFunction.Update(call->Func);
        call->RemovedHandlers = error == 0;
        return error;
    }

    /// <summary>Frees the record of an ops that is not registered and has no rules: the host may use new ops again and again.</summary>
    private static void FreeIfUnused(OpsKey ops)
    {
        OpsRecord* record = Find(ops);
        if (record == null || !record->IsUnused)
        {
            return;
        }

        if (s_first == record)
        {
            s_first = record->Next;
        }

        for (OpsRecord* other = s_first; other != null; other = other->Next)
        {
            if (other->Next == record)
            {
                other->Next = record->Next;
            }
        }

        OpsRecord.Free(record);
    }

    /// <summary>True if the rule that was added last matches any function.</summary>
    private static bool LastRuleMatchesAny(OpsRecord* record)
    {
        bool any = false;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            record->Select(target);
            if (record->FixLastRule())
            {
                return true;
            }

            for (int i = 0; i < target->SiteCount && !any; i++)
            {
                any = record->LastRuleMatches(target->FirstSite + i);
            }

            if (any && !record->LastRuleMayBeExact)
            {
                return true;
            }
        }

        return any;
    }

    private static void SetWanted(OpsRecord* record)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            SetWanted(target, record);
        }
    }

    /// <summary>Sets which of an object's functions the ops wants. True if it wants any.</summary>
    private static bool SetWanted(LoadedObject* target, OpsRecord* record)
    {
        ulong bit = 1ul << record->Id;
        bool any = false;
        int changing = 0;
        DisplayNames.ExpectedDemangler = false;
        Selection selection = record->Select(target);
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            bool wants = selection == Selection.All || (selection == Selection.Some && record->Wants(site));
            site->Wanted = wants ? site->Wanted | bit : site->Wanted & ~bit;
            any |= wants;
            changing += site->Wanted != site->Current ? 1 : 0;
        }

        target->Changing = changing;
        target->LacksNames |= DisplayNames.ExpectedDemangler;
        return any;
    }

    private static OpsRecord* Find(OpsKey key)
    {
        OpsRecord* record = s_first;
        while (record != null && (record->Ops != key.Ops || record->IsGraph != key.IsGraph))
        {
            record = record->Next;
        }

        return record;
    }

    private static OpsRecord* FindOrAdd(OpsKey ops)
    {
        OpsRecord* record = Find(ops);
        if (record == null)
        {
            record = OpsRecord.Create(ops.Ops, ops.IsGraph);
            if (record != null)
            {
                record->Next = s_first;
                s_first = record;
            }
        }

        return record;
    }
}
