using System;
using Ftrace.Linux;
using Ftrace.Sites;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// Makes the text agree with what the sites want: a nop where nobody wants a call, else a call of the stub for exactly those who
/// do. Called with the trace mutex and the loader's lock held.
/// </summary>
internal static unsafe class SitePatcher
{
    /// <returns>0 or -errno; then no site was changed, and each wants what it has.</returns>
    public static int Apply()
    {
        int count = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                count += target->FirstSite[i].Wanted != target->FirstSite[i].Current ? 1 : 0;
            }
        }

        if (count == 0)
        {
            return 0;
        }

        Block patches = Block.Allocate((nuint)count * (nuint)sizeof(FtracePatch));
        Block sites = Block.Allocate((nuint)count * (nuint)sizeof(Site*));
        int error = patches.IsEmpty || sites.IsEmpty ? -Errno.ENOMEM : Apply((FtracePatch*)patches.Start, (Site**)sites.Start, count);
        patches.Free();
        sites.Free();
        if (error != 0)
        {
            Undo();
        }

        return error;
    }

    private static void Undo()
    {
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            for (int i = 0; i < target->SiteCount; i++)
            {
                target->FirstSite[i].Wanted = target->FirstSite[i].Current;
            }
        }
    }

    private static int Apply(FtracePatch* patches, Site** sites, int count)
    {
        int found = 0;
        int unready = 0;
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (target->SiteCount == 0)
            {
                continue;
            }

            StubArea* stubs = null;
            for (int i = 0; i < target->SiteCount; i++)
            {
                Site* site = target->FirstSite + i;
                if (site->Wanted == site->Current)
                {
                    continue;
                }

                stubs = stubs != null ? stubs : StubArea.Near(target->FirstSite->Ip, target->FirstSite[target->SiteCount - 1].Ip);
                if (stubs == null)
                {
                    return -Errno.ERANGE;
                }

                if (site->Current == 0 && !IsOneNop(site))
                {
                    unready++;
                }

                sites[found++] = site;
            }
        }

        int error = unready == 0 ? 0 : EntryConversion.Convert(sites, count);
        return error != 0 ? error : Patch(patches, sites, count);
    }

    private static bool IsOneNop(Site* site) =>
        site->Size == X86Instruction.CallSize
        && X86Instruction.NopLength(new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize)) == X86Instruction.CallSize;

    private static int Patch(FtracePatch* patches, Site** sites, int count)
    {
        ulong lastMask = 0;
        int lastSlot = -1;
        for (int i = 0; i < count; i++)
        {
            Site* site = sites[i];
            FtracePatch* patch = patches + i;
            patch->Ip = site->Ip;
            patch->Len = X86Instruction.CallSize;
            if (!Encode(site, site->Current, new Span<byte>(patch->OldCode, X86Instruction.CallSize), ref lastMask, ref lastSlot)
                || !Encode(site, site->Wanted, new Span<byte>(patch->NewCode, X86Instruction.CallSize), ref lastMask, ref lastSlot))
            {
                return -Errno.ENOSPC;
            }

            if (site->Current == 0 && IsOneNop(site))
            {
                new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize).CopyTo(new Span<byte>(patch->OldCode, X86Instruction.CallSize));
            }
        }

        int error = TextPatcher.Patch(patches, count, PatchRequest.Default);
        for (int i = 0; i < count; i++)
        {
            if (error == 0)
            {
                sites[i]->Current = sites[i]->Wanted;
            }
            else if (patches[i].Error == -Errno.EINVAL)
            {
                Report.OtherCode(sites[i], patches + i);
            }
        }

        return error;
    }

    private static bool Encode(Site* site, ulong mask, Span<byte> code, ref ulong lastMask, ref int lastSlot)
    {
        if (mask == 0)
        {
            X86Instruction.Nop5.CopyTo(code);
            return true;
        }

        if (mask != lastMask)
        {
            lastMask = mask;
            lastSlot = TraceSlots.Find(mask);
        }

        StubArea* stubs = lastSlot < 0 ? null : StubArea.Near(site->Ip, site->Ip);
        return stubs != null && X86Instruction.TryEncodeCall(site->Ip, stubs->StubOf(lastSlot), code);
    }
}
