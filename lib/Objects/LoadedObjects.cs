using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>
/// The program and its shared objects, as of the last update. Called with the loader's lock held, so that none of them is closed.
/// </summary>
internal static unsafe class LoadedObjects
{
    private static LoadedObject* s_first;
    private static LoadedObject* s_firstWithSites;
    private static ulong s_adds;
    private static ulong s_subs;
    private static bool s_isCurrent; // as of s_adds and s_subs
    private static bool s_hasClosed; // an object was closed since the update before
    private static int s_error;
    private static LoadedObject* s_dropped;
    private static bool s_resolve;

    /// <summary>Who wants to know about objects; null: nobody.</summary>
    public static ObjectObserver? Observer { get; set; }

    public static LoadedObject* First => s_first;

    /// <summary>
    /// Adds objects that were opened, and removes those that were closed. One that could not be read is tried again by the next call.
    /// </summary>
    /// <returns>0; -ENOMEM or -EAGAIN if one could not be read for a temporary reason. The others are known.</returns>
    /// <param name="resolve">
    /// The sites of objects that the loader has mapped, but not relocated, are wanted too. Else such an object has none until it is relocated.
    /// </param>
    public static int Update(bool resolve = false)
    {
        s_resolve = resolve;
        bool same = true;
        DlPhdrInfo.Iterate(&CompareCounts, &same);
        for (LoadedObject* known = s_first; known != null && same; known = known->Next)
        {
            same = !HasToBeReadAgain(known);
        }

        if (same)
        {
            s_resolve = false;
            return 0;
        }

        for (LoadedObject* known = s_first; known != null; known = known->Next)
        {
            known->Seen = false;
        }

        s_error = 0;
        DlPhdrInfo.Iterate(&Visit, null);
        DlPhdrInfo.IterateOthers(&VisitElsewhere, null);
        Drop();
        s_resolve = false;
        s_isCurrent = s_error == 0;
        return s_error;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CompareCounts(DlPhdrInfo* info, nuint size, void* data)
    {
        *(bool*)data = s_isCurrent && info->Adds == s_adds && info->Subs == s_subs;
        s_hasClosed = info->Subs != s_subs;
        s_adds = info->Adds;
        s_subs = info->Subs;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Visit(DlPhdrInfo* info, nuint size, void* data)
    {
        Visit(info, isElsewhere: false);
        return 0;
    }

    /// <summary>The loader itself exists once, but is listed in each namespace.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int VisitElsewhere(DlPhdrInfo* info, nuint size, void* data)
    {
        for (LoadedObject* known = s_first; known != null; known = known->Next)
        {
            if (known->Seen && known->Image.Base == info->Base && known->Image.Headers == info->Headers)
            {
                return 0;
            }
        }

        Visit(info, isElsewhere: true);
        return 0;
    }

    private static void Visit(DlPhdrInfo* info, bool isElsewhere)
    {
        var path = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info->Name);
        for (LoadedObject* known = s_first; known != null; known = known->Next)
        {
            if (!known->Seen && IsSame(known, info))
            {
                known->Seen = true;
                return;
            }
        }

        int error = TryAdd(info, path, isElsewhere);
        s_error = error != 0 ? error : s_error;
    }

    /// <summary>True if an object of the loader's is the one that was read.</summary>
    private static bool IsSame(LoadedObject* known, DlPhdrInfo* info) =>
        known->Image.Base == info->Base && known->Image.Headers == info->Headers
        && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(known->Path).SequenceEqual(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info->Name))
        && known->Identity == known->Image.ReadIdentity() && HasOurCode(known, s_hasClosed || info->Subs != s_subs)
        && !HasToBeReadAgain(known);

    /// <summary>Notes whether objects were closed since the update, for <see cref="Find"/>.</summary>
    /// <param name="info">Any object that <see cref="DlPhdrInfo.Iterate"/> lists.</param>
    public static void LookForClosed(DlPhdrInfo* info) => s_hasClosed = info->Subs != s_subs;

    /// <summary>What was read of an object of the loader's; null if it was not read yet.</summary>
    public static LoadedObject* Find(DlPhdrInfo* info)
    {
        LoadedObject* known = s_first;
        while (known != null && !IsSame(known, info))
        {
            known = known->Next;
        }

        return known;
    }

    private static int TryAdd(DlPhdrInfo* info, ReadOnlySpan<byte> path, bool isElsewhere)
    {
        ReadOnlySpan<byte> fileName = path.IsEmpty ? "program"u8 : path[(path.LastIndexOf((byte)'/') + 1)..];
        Block memory = Block.Allocate((nuint)(sizeof(LoadedObject) + path.Length + fileName.Length + 2));
        if (memory.IsEmpty)
        {
            return -Errno.ENOMEM;
        }

        var added = (LoadedObject*)memory.Start;
        byte* strings = (byte*)(added + 1);
        path.CopyTo(new Span<byte>(strings, path.Length));
        fileName.CopyTo(new Span<byte>(strings + path.Length + 1, fileName.Length));
        added->Memory = memory;
        added->Path = strings;
        added->FileName = strings + path.Length + 1;
        added->Image.Base = info->Base;
        added->Image.Headers = info->Headers;
        added->Image.HeaderCount = info->HeaderCount;
        added->Seen = true;
        added->IsNew = true;
        added->IsElsewhere = isElsewhere;
        added->IsResolved = s_resolve;
        added->Identity = added->Image.ReadIdentity();
        int error = ObjectReader.Read(added);
        if (error != 0)
        {
            Free(added);
            return error;
        }

        added->Next = s_first;
        added->NextWithSites = s_firstWithSites;
        Thread.MemoryBarrier(); // with readers in CurrentAt() and WordAt()
        s_first = added;
        s_firstWithSites = added->SiteCount != 0 ? added : s_firstWithSites;
        return 0;
    }

    /// <summary>
    /// True if an object was read before it was relocated, and has been relocated since, or need not be any more. The loader lists it before, and its counts do not
    /// change after. Relocations are applied in the order of their addresses, so the last entry shows it. An object that is traced already
    /// stays as it was read.
    /// </summary>
    private static bool HasToBeReadAgain(LoadedObject* known)
    {
        bool again = known->UnrelocatedEntry != null
            && ((s_resolve && !known->IsResolved) || known->Image.Contains(*known->UnrelocatedEntry, 1, ProgramHeader.Code));
        for (int i = 0; i < known->SiteCount && again; i++)
        {
            again = known->FirstSite[i].Current == 0;
        }

        return again;
    }

    /// <summary>
    /// True if the text is as the library left it. An object that was closed and opened again at the same address has fresh text. If none
    /// was closed, another tool has changed the text.
    /// </summary>
    /// <param name="known">The object.</param>
    /// <param name="hasClosed">An object was closed since the update before.</param>
    private static bool HasOurCode(LoadedObject* known, bool hasClosed)
    {
        bool traced = false;
        bool converted = true;
        byte* code = stackalloc byte[X86Instruction.CallSize];
        for (int i = 0; i < known->SiteCount && hasClosed; i++)
        {
            Site* site = known->FirstSite + i;
            if (site->Current != 0)
            {
                traced = true;
                CallBytes.Copy((byte*)site->Ip, code);
                bool isBreakpoint = *code == X86Instruction.Int3; // a debugger's
                if (StubArea.IsCallOfStub(site->Ip, code) || (isBreakpoint && StubArea.OpcodeFor(site->Ip, code) != 0))
                {
                    return true;
                }
            }
            else if (site->IsConverted)
            {
                converted &= site->IsOneNop;
            }
        }

        return !traced && converted;
    }

    /// <summary>The object that a site belongs to.</summary>
    public static LoadedObject* OwnerOf(Site* site)
    {
        LoadedObject* target = s_first;
        while (target != null && !target->Owns(site))
        {
            target = target->Next;
        }

        return target;
    }

    /// <summary>The set of ops that the site at an address calls now. Any context; the thread is marked.</summary>
    [NoInstr]
    public static ulong CurrentAt(ulong ip)
    {
        for (LoadedObject* target = s_first; target != null; target = target->Next)
        {
            Site* site = target->SiteAt(ip);
            if (site != null)
            {
                return Volatile.Read(ref site->Current);
            }
        }

        return 0;
    }

    /// <summary>The host's word of the site at an address; null if there is no site. Any context; the thread is marked.</summary>
    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* WordAt(ulong ip)
    {
        LoadedObject* target = s_firstWithSites;
        while (target != null && ip - target->SitesFrom >= target->SiteSpan)
        {
            target = target->NextWithSites;
        }

        ulong* word = target == null ? null : target->Words.Find(ip);
        return word != null ? word : AddWordAt(ip);
    }

    /// <summary>The same, when it is first asked for; or there is no site.</summary>
    [NoInstr]
    private static ulong* AddWordAt(ulong ip)
    {
        for (LoadedObject* target = s_firstWithSites; target != null; target = target->NextWithSites)
        {
            if (target->SiteAt(ip) != null)
            {
                return target->Words.Add(ip);
            }
        }

        return null;
    }

    /// <summary>There are objects with <see cref="LoadedObject.LacksNames"/>.</summary>
    public static bool LackNames
    {
        get
        {
            LoadedObject* target = s_first;
            while (target != null && !target->LacksNames)
            {
                target = target->Next;
            }

            return target != null;
        }
    }

    /// <summary>There are records of closed objects that have not been freed yet.</summary>
    public static bool HasDropped => s_dropped != null;

    /// <summary>
    /// Removes objects that were closed from the list, without accessing their memory. Their records stay until a grace period is over: a
    /// handler may be about to read them.
    /// </summary>
    private static void Drop()
    {
        LoadedObject* before = null;
        LoadedObject* beforeWithSites = null;
        LoadedObject* next;
        for (LoadedObject* known = s_first; known != null; known = next)
        {
            next = known->Next;
            if (known->Seen)
            {
                before = known;
                beforeWithSites = known->SiteCount != 0 ? known : beforeWithSites;
                continue;
            }

            if (known->SiteCount != 0)
            {
                Unlink(known, beforeWithSites);
            }

            if (before == null)
            {
                s_first = next;
            }
            else
            {
                before->Next = next;
            }

            Observer?.NoteClosed(known);

            known->NextDropped = s_dropped;
            s_dropped = known;
        }
    }

    private static void Unlink(LoadedObject* known, LoadedObject* before)
    {
        if (before == null)
        {
            s_firstWithSites = known->NextWithSites;
        }
        else
        {
            before->NextWithSites = known->NextWithSites;
        }
    }

    /// <summary>Notes which objects were closed, before a grace period begins. Called with the trace mutex held.</summary>
    /// <param name="grace">The number of the grace period; each is higher than the one before.</param>
    public static void RetireDropped(uint grace)
    {
        for (LoadedObject* known = s_dropped; known != null; known = known->NextDropped)
        {
            known->RetiredIn = known->RetiredIn == 0 ? grace : known->RetiredIn;
        }
    }

    /// <summary>
    /// Frees records of closed objects. Called after a grace period, with the trace mutex held; other grace periods may have begun meanwhile,
    /// and other objects may have been closed.
    /// </summary>
    public static void FreeDropped(uint grace)
    {
        LoadedObject** link;
        fixed (LoadedObject** first = &s_dropped)
        {
            link = first;
            while (*link != null)
            {
                LoadedObject* known = *link;
                if (known->RetiredIn != 0 && known->RetiredIn <= grace)
                {
                    *link = known->NextDropped;
                    Free(known);
                }
                else
                {
                    link = &known->NextDropped;
                }
            }
        }
    }

    private static void Free(LoadedObject* target)
    {
        StubArea.Remove(target->GraphStubs);
        target->Sites.Free();
        target->SiteNames.Free();
        target->Words.Free();
        target->Jumps.Free();
        Block memory = target->Memory; // which holds the structure itself
        memory.Free();
    }
}
