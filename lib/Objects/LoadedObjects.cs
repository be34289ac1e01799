using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>
/// The program and its shared objects, as of the last update. Called with the loader's lock held, so that none of them is closed.
/// </summary>
internal static unsafe class LoadedObjects
{
    private static LoadedObject* s_first;
    private static ulong s_adds;
    private static ulong s_subs;
    private static bool s_isCurrent; // as of s_adds and s_subs
    private static int s_error;
    private static LoadedObject* s_dropped;
    private static bool s_resolve;

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
        s_isCurrent = s_error == 0;
        return s_error;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CompareCounts(DlPhdrInfo* info, nuint size, void* data)
    {
        *(bool*)data = s_isCurrent && info->Adds == s_adds && info->Subs == s_subs;
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
            if (!known->Seen && known->Image.Base == info->Base && known->Image.Headers == info->Headers
                && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(known->Path).SequenceEqual(path)
                && known->Identity == known->Image.ReadIdentity() && HasOurCode(known) && !HasToBeReadAgain(known))
            {
                known->Seen = true;
                return;
            }
        }

        int error = TryAdd(info, path, isElsewhere);
        s_error = error != 0 ? error : s_error;
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
        Thread.MemoryBarrier(); // with readers in CurrentAt()
        s_first = added;
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
    /// True if the text is as the library left it. An object that was closed and opened again at the same address has fresh text.
    /// </summary>
    private static bool HasOurCode(LoadedObject* known)
    {
        bool traced = false;
        bool converted = true;
        for (int i = 0; i < known->SiteCount; i++)
        {
            Site* site = known->FirstSite + i;
            if (site->Current != 0)
            {
                traced = true;
                byte* code = (byte*)site->Ip;
                if (*code == X86Instruction.CallOpcode
                    && StubArea.IsStub(site->Ip + X86Instruction.CallSize + (ulong)Unsafe.ReadUnaligned<int>(code + 1)))
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

    /// <summary>The set of ops that the site at an address calls now. Any context; the thread is marked.</summary>
    [NoInstr]
    public static ulong CurrentAt(ulong ip)
    {
        for (LoadedObject* target = s_first; target != null; target = target->Next)
        {
            int low = 0;
            int high = target->SiteCount;
            while (low < high)
            {
                int middle = (int)((uint)(low + high) / 2);
                Site* site = target->FirstSite + middle;
                if (site->Ip == ip)
                {
                    return Volatile.Read(ref site->Current);
                }

                low = site->Ip < ip ? middle + 1 : low;
                high = site->Ip < ip ? high : middle;
            }
        }

        return 0;
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
        LoadedObject* next;
        for (LoadedObject* known = s_first; known != null; known = next)
        {
            next = known->Next;
            if (known->Seen)
            {
                before = known;
                continue;
            }

            if (before == null)
            {
                s_first = next;
            }
            else
            {
                before->Next = next;
            }

            known->NextDropped = s_dropped;
            s_dropped = known;
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
        target->Sites.Free();
        target->SiteNames.Free();
        target->Jumps.Free();
        Block memory = target->Memory; // which holds the structure itself
        memory.Free();
    }
}
