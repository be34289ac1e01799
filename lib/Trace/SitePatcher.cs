using System;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// Makes the text agree with <see cref="Site.Wanted"/>: a nop where no ops wants a call, else a call of the stub for exactly those
/// ops that do. Called with the trace mutex and the loader's lock held.
/// </summary>
internal static unsafe class SitePatcher
{
    /// <summary>Not 0: how long to wait for threads to stop, at most. Changed with the trace mutex held.</summary>
    private static uint s_timeoutMs;
    private static bool s_isQuiet;

    /// <summary>Limits how long the next changes wait for threads to stop; 0: as for calls of the host.</summary>
    /// <param name="timeoutMs">The limit.</param>
    /// <param name="isQuiet">A stop that fails is not reported.</param>
    public static void LimitTo(uint timeoutMs, bool isQuiet)
    {
        s_timeoutMs = timeoutMs;
        s_isQuiet = isQuiet;
    }

    /// <summary>A request with that limit.</summary>
    public static PatchRequest Limit(PatchRequest request)
    {
        uint timeoutMs = s_timeoutMs != 0 ? Math.Min(s_timeoutMs, request.TimeoutMs) : request.TimeoutMs;
        return request with { TimeoutMs = timeoutMs, IsQuiet = s_isQuiet };
    }

    /// <param name="failures">What to do about sites that cannot be changed.</param>
    /// <returns>0 or -errno; after an error the sites that were not changed want what they have.</returns>
    public static int Apply(SiteFailures failures)
    {
        int count = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            count += target->Changing;
        }

        if (count == 0)
        {
            return 0;
        }

        Block memory = Block.AllocateTemporary((nuint)count * (nuint)(sizeof(FtracePatch) + sizeof(Site*)));
        var patches = (FtracePatch*)memory.Start;
        int error = memory.IsEmpty ? -Errno.ENOMEM : Apply(patches, (Site**)(patches + count), count, failures);
        memory.Free();
        End(error);
        return error;
    }

    /// <summary>
    /// True if the code of a site stays, although it wants other ops: it is a jump to a stub of its own, Native/graph_entry.S, which reads
    /// <see cref="Site.Current"/>.
    /// </summary>
    private static bool KeepsCode(Site* site) => GraphSets.Has(site->Current) && GraphSets.Has(site->Wanted);

    /// <summary>Instead of <see cref="Apply(SiteFailures)"/>: no site is changed.</summary>
    public static void Cancel() => End(-Errno.EBUSY);

    private static void End(int error)
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; error != 0 && i < target->SiteCount; i++)
            {
                target->FirstSite[i].Wanted = target->FirstSite[i].Current;
            }

            for (int i = 0; error == 0 && target->Changing != 0 && target->GraphStubs != 0 && i < target->SiteCount; i++)
            {
                Site* site = target->FirstSite + i;
                if (KeepsCode(site))
                {
                    Volatile.Write(ref site->Current, site->Wanted);
                }
            }

            target->Changing = 0;
        }
    }

    private static int Apply(FtracePatch* patches, Site** sites, int count, SiteFailures failures)
    {
        int error = Fill(patches, sites, ref count, out int unready);
        if (error == 0 && unready != 0)
        {
            error = EntryConversion.Convert(sites, count);
            error = error != 0 ? error : Fill(patches, sites, ref count, out _);
        }

        return error != 0 ? error : Patch(patches, sites, count, failures);
    }

    /// <summary>Collects the sites that change, with their old and new code, and counts those that are not yet one nop.</summary>
    private static int Fill(FtracePatch* patches, Site** sites, ref int count, out int unready)
    {
        int found = 0;
        unready = 0;
        ulong graph = GraphSets.Shared->Graph;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (target->Changing == 0)
            {
                continue;
            }

            StubArea* stubs = StubArea.FindOrCreate(StubKind.Trace, target->FirstSite->Ip, target->FirstSite[target->SiteCount - 1].Ip, out int error);
            if (stubs == null)
            {
                return error;
            }

            var current = new Call(graph);
            var wanted = new Call(graph);
            for (int i = 0, left = target->Changing; left > 0; i++)
            {
                Site* site = target->FirstSite + i;
                if (site->Wanted == site->Current)
                {
                    continue;
                }

                left--;
                if (((site->Current | site->Wanted) & graph) != 0)
                {
                    if (KeepsCode(site))
                    {
                        continue;
                    }

                    if (!GraphStubs.Reserve(target, out error))
                    {
                        return error;
                    }
                }

                FtracePatch* patch = patches + found;
                sites[found++] = site;
                patch->Ip = site->Ip;
                patch->Len = X86Instruction.CallSize;
                if (site->Foreign != ForeignState.None && ForeignSites.TryCopyOurs(site, patch->OldCode))
                {
                    // Another tool has put it back.
                }
                else if (site->Current == 0)
                {
                    // What is looked at is the copy, as there.
                    CallBytes.Copy((byte*)site->Ip, patch->OldCode);
                    if (!site->HoldsOneNop(patch->OldCode))
                    {
                        unready++;
                        CallBytes.Copy(CallBytes.Nop, patch->OldCode);
                    }
                }
                else if (!current.TryEncode(target, site, site->Current, stubs, patch->OldCode))
                {
                    return -Errno.ENOSPC;
                }

                if (site->Wanted == 0)
                {
                    CallBytes.Copy(CallBytes.Nop, patch->NewCode);
                }
                else if (!wanted.TryEncode(target, site, site->Wanted, stubs, patch->NewCode))
                {
                    return -Errno.ENOSPC;
                }
            }
        }

        count = found;
        return 0;
    }

    /// <summary>A call for a set of ops. Neighbouring sites mostly have the same set, so the last one is kept.</summary>
    private struct Call(ulong graph)
    {
        private readonly ulong _graph = graph;
        private ulong _mask;
        private ulong _stub;

        public bool TryEncode(LoadedObject* target, Site* site, ulong mask, StubArea* stubs, byte* code)
        {
            var bytes = new Span<byte>(code, X86Instruction.CallSize);
            if ((mask & _graph) != 0)
            {
                return X86Instruction.TryEncodeJump(site->Ip, GraphStubs.Of(target, site), bytes);
            }

            if (mask != _mask)
            {
                int slot = TraceSlots.Find(mask);
                if (slot < 0)
                {
                    return false;
                }

                _mask = mask;
                _stub = stubs->StubOf(slot);
            }

            return X86Instruction.TryEncodeCall(site->Ip, _stub, bytes);
        }
    }

    private static int Patch(FtracePatch* patches, Site** sites, int count, SiteFailures failures)
    {
        var process = default(ProcessView);
        int result = 0;
        int error;
        while ((error = count == 0 ? 0 : TryPatch(patches, sites, count, failures)) != 0)
        {
            int failed = 0;
            int kept = 0;
            bool foreign = true;
            bool taken = false;
            for (int i = 0; i < count; i++)
            {
                if (patches[i].Error == -Errno.EINVAL && TryTake(sites[i], patches + i))
                {
                    taken = true;
                    patches[i].Error = 0;
                }

                if (patches[i].Error == 0)
                {
                    sites[kept] = sites[i];
                    patches[kept++] = patches[i];
                    continue;
                }

                failed++;
                foreign &= patches[i].Error == -Errno.EINVAL;
                NoteFailure(sites[i], patches + i, failures, ref process);
            }

            bool refused = failures is SiteFailures.Refuse or SiteFailures.RefuseOnce || (failures == SiteFailures.SkipForeign && !foreign);
            if ((failed == 0 && !taken) || (failed != 0 && refused))
            {
                result = error;
                break;
            }

            result = failed == 0 || failures == SiteFailures.SkipForeign || result != 0 ? result : error;
            count = kept;
        }

        process.Close();
        for (int i = 0; i < count && error == 0; i++)
        {
            sites[i]->Foreign = ForeignState.None;
            Volatile.Write(ref sites[i]->Current, sites[i]->Wanted);
        }

        return result;
    }

    /// <summary>
    /// Changes the text. If a site is known to be foreign, and still is, it is not attempted: that would stop all threads. Except if one such
    /// site fails the whole call: then all are found that fail it.
    /// </summary>
    private static int TryPatch(FtracePatch* patches, Site** sites, int count, SiteFailures failures)
    {
        int error = 0;
        bool looks = failures != SiteFailures.Refuse && ForeignSites.MayExist;
        for (int i = 0; i < count && looks; i++)
        {
            bool foreign = sites[i]->Foreign != ForeignState.None && !CallBytes.AreSame((byte*)patches[i].Ip, patches[i].OldCode);
            patches[i].Error = foreign ? -Errno.EINVAL : 0;
            error = foreign ? -Errno.EINVAL : error;
        }

        return error != 0 ? error : Patcher.Patch(patches, count, Limit(PatchRequest.Default));
    }

    /// <summary>
    /// Takes what is at a site for its old code, if it is the library's: another tool has put it back. Once for each site: the next time
    /// it has changed again.
    /// </summary>
    private static bool TryTake(Site* site, FtracePatch* patch)
    {
        if (site->Foreign != ForeignState.None || !ForeignSites.TryCopyOurs(site, patch->OldCode))
        {
            return false;
        }

        ForeignSites.Note(site);
        return true;
    }

    /// <summary>Keeps a site that cannot be changed as it is, and reports it if that is wanted.</summary>
    private static void NoteFailure(Site* site, FtracePatch* patch, SiteFailures failures, ref ProcessView process)
    {
        site->Wanted = site->Current;
        if (patch->Error != -Errno.EINVAL)
        {
            return;
        }

        bool once = failures is SiteFailures.SkipForeign or SiteFailures.RefuseOnce;
        bool reported = ForeignSites.Note(site);
        if (failures != SiteFailures.KeepQuiet && !(reported && once))
        {
            site->Foreign |= ForeignState.Reported;
            ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(DisplayNames.NameOf(site));
            Report.OtherCode(name.IsEmpty ? "a function without a name"u8 : name, patch, ref process);
        }
    }
}
