using System;
using System.Threading;
using Ftrace.Elf;
using Ftrace.Objects;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// Sites that another tool has changed: which of them hold again what the library can change. Called with the trace mutex and the loader's
/// lock held.
/// </summary>
internal static unsafe class ForeignSites
{
    /// <summary>False if no site is known to be one.</summary>
    public static bool MayExist
    {
        get
        {
            bool found = false;
            for (LoadedObject* target = LoadedObjects.First; target != null && !found; target = target->Next)
            {
                found = target->HasForeign;
            }

            return found;
        }
    }

    /// <summary>Notes that a site holds other bytes than expected.</summary>
    /// <returns>True if that has been reported.</returns>
    public static bool Note(Site* site)
    {
        LoadedObjects.OwnerOf(site)->HasForeign = true;
        site->Foreign |= ForeignState.Found;
        return (site->Foreign & ForeignState.Reported) != 0;
    }

    /// <summary>
    /// True if a site holds one nop, or a call of a stub of this library, although it should hold another: tools put back what they found
    /// when they changed the site, and a uprobe of the kernel what is in the file.
    /// </summary>
    /// <param name="site">The site.</param>
    /// <param name="found">Gets the code if it is that, else it stays as it is.</param>
    public static bool TryCopyOurs(Site* site, byte* found)
    {
        // Once: if another tool changes the site meanwhile, its code must not be taken for what was looked at.
        byte* code = stackalloc byte[X86Instruction.CallSize];
        CallBytes.Copy((byte*)site->Ip, code);
        bool isOurs = site->HoldsOneNop(code)
            || (site->Size == X86Instruction.CallSize && (StubArea.IsCallOfStub(site->Ip, code) || IsCallWithOtherStart(site->Ip, code)));
        if (isOurs)
        {
            CallBytes.Copy(code, found);
        }

        return isOurs;
    }

    /// <summary>
    /// Looks at the traced sites for those whose call another tool has removed. They are not traced any more, and are foreign until they are.
    /// </summary>
    public static void FindRemovedCalls(LoadedObject* target)
    {
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            byte first = *(byte*)site->Ip;
            if (site->Current != 0 && first != X86Instruction.CallOpcode && first != X86Instruction.JumpOpcode && TryNoteRemovedCall(site))
            {
                Note(site);
            }
        }
    }

    /// <summary>If a traced site has no call any more: nobody is called from there.</summary>
    private static bool TryNoteRemovedCall(Site* site)
    {
        bool removed = X86Instruction.AreNops(new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize)) || IsCallWithOtherStart(site->Ip, (byte*)site->Ip);
        if (removed)
        {
            Volatile.Write(ref site->Current, 0);
            site->Wanted = 0;
        }

        return removed;
    }

    /// <summary>
    /// True for a call of a stub whose first byte is that of a nop, or of a sled: the kernel puts back the file's first byte when a uprobe
    /// that was set over the call is removed.
    /// </summary>
    private static bool IsCallWithOtherStart(ulong ip, byte* found)
    {
        byte* code = stackalloc byte[X86Instruction.CallSize];
        CallBytes.Copy(found, code);
        bool isOfFile = *code is 0x90 or 0x0f or 0x66 or 0xeb;
        return isOfFile && StubArea.OpcodeFor(ip, code) != 0;
    }

    /// <summary>True if a foreign site can be changed again.</summary>
    public static bool HasGone(LoadedObject* target, Site* site)
    {
        if (site->Current != 0)
        {
            TryNoteRemovedCall(site);
        }

        byte* code = stackalloc byte[X86Instruction.CallSize];
        if (TryCopyOurs(site, code))
        {
            return true;
        }

        bool unmeasured = (site->Foreign & ForeignState.Unmeasured) != 0;
        return site->Current == 0 && (unmeasured ? TryMeasure(target, site) : HasCompilersCode(target, site));
    }

    /// <summary>True if the code at a site is what the compiler left, which <see cref="EntryConversion"/> turns into one nop.</summary>
    private static bool HasCompilersCode(LoadedObject* target, Site* site)
    {
        var code = new ReadOnlySpan<byte>((byte*)site->Ip, site->Size);
        return X86Instruction.AreNops(code)
            || (site->Kind == EntryKind.Sled && PatchableEntry.IsSled(code))
            || (site->MayBeCompilersCall && target->MeasureCall(site->Ip, new ReadOnlySpan<byte>((byte*)site->Ip, PatchableEntry.LongCallSize)) != 0);
    }

    /// <summary>Finds out what the compiler left at a site that was foreign when the object was read.</summary>
    private static bool TryMeasure(LoadedObject* target, Site* site)
    {
        ulong next = site - target->FirstSite + 1 < target->SiteCount ? (site + 1)->Ip : ulong.MaxValue;
        int length = (int)Math.Min(next - site->Ip, PatchableEntry.MaxBytes);
        while (length > 0 && !target->Image.Contains(site->Ip, (ulong)length, ProgramHeader.Code))
        {
            length--;
        }

        var code = new ReadOnlySpan<byte>((byte*)site->Ip, length);
        if (site->IsMcount && target->MeasureCall(site->Ip, code) is var call and not 0)
        {
            site->Size = (byte)call;
        }
        else if (site->Kind == EntryKind.Sled && PatchableEntry.IsSled(code))
        {
            site->Size = PatchableEntry.SledSize;
        }
        else if (PatchableEntry.TryFind(code, isMcount: false, 0, out int offset, out int size)
            && (offset == 0 || target->GraphStubs == 0)) // the stub has the address
        {
            site->Ip += (ulong)offset;
            site->Size = (byte)size;
        }
        else
        {
            return false;
        }

        site->Foreign &= ~ForeignState.Unmeasured;
        return true;
    }
}
