using System;
using System.Threading;
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
    public static int Apply() => Apply(some: false, report: true);

    /// <summary>As <see cref="Apply()"/>, but sites that cannot be changed do not keep the others from it.</summary>
    /// <returns>0 or -errno; then each wants what it has.</returns>
    public static int ApplySome(bool report) => Apply(some: true, report);

    private static int Apply(bool some, bool report)
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
        int error = patches.IsEmpty || sites.IsEmpty ? -Errno.ENOMEM : Apply((FtracePatch*)patches.Start, (Site**)sites.Start, count, some, report);
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

    private static int Apply(FtracePatch* patches, Site** sites, int count, bool some, bool report)
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
        return error != 0 ? error : Patch(patches, sites, count, some, report);
    }

    /// <summary>One nop of five bytes stands there.</summary>
    public static bool IsOneNop(Site* site) =>
        site->Size == X86Instruction.CallSize
        && X86Instruction.NopLength(new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize)) == X86Instruction.CallSize;

    private static int Patch(FtracePatch* patches, Site** sites, int count, bool some, bool report)
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
        if (error == 0)
        {
            NoteChange(sites, count);
            return 0;
        }

        int good = 0;
        for (int i = 0; i < count; i++)
        {
            if (patches[i].Error == 0)
            {
                sites[good] = sites[i];
                patches[good++] = patches[i];
            }
            else if (report && patches[i].Error == -Errno.EINVAL)
            {
                Report.OtherCode(sites[i], patches + i);
            }
        }

        if (some && good > 0 && good < count && TextPatcher.Patch(patches, good, PatchRequest.Default) == 0)
        {
            NoteChange(sites, good);
        }

        return error;
    }

    private static void NoteChange(Site** sites, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Volatile.Write(ref sites[i]->Current, sites[i]->Wanted);
        }
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
