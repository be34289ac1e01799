using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Objects;

/// <summary>
/// The program and its shared objects, as of the last look. Called with the loader's lock held, so that none of them goes.
/// </summary>
internal static unsafe class LoadedObjects
{
    private static LoadedObject* s_first;
    private static ulong s_adds;
    private static ulong s_subs;
    private static bool s_looked;
    private static int s_error;
    private static LoadedObject* s_dropped;

    public static LoadedObject* First => s_first;

    /// <summary>Takes note of objects that were opened or closed. One that could not be read is looked at again by the next call.</summary>
    /// <returns>0; -ENOMEM or -EAGAIN if one could not be read for a reason that may pass. The others are known.</returns>
    public static int Update()
    {
        bool same = true;
        DlPhdrInfo.Iterate(&CompareCounts, &same);
        for (LoadedObject* known = s_first; known != null && same; known = known->Next)
        {
            same = !HasBeenRelocated(known);
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
        Drop();
        s_looked = s_error == 0;
        return s_error;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CompareCounts(DlPhdrInfo* info, nuint size, void* data)
    {
        *(bool*)data = s_looked && info->Adds == s_adds && info->Subs == s_subs;
        s_adds = info->Adds;
        s_subs = info->Subs;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Visit(DlPhdrInfo* info, nuint size, void* data)
    {
        var path = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info->Name);
        for (LoadedObject* known = s_first; known != null; known = known->Next)
        {
            if (!known->Seen && known->Image.Base == info->Base && known->Image.Headers == info->Headers
                && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(known->Path).SequenceEqual(path)
                && known->Identity == known->Image.ReadIdentity() && HasOurCode(known) && !HasBeenRelocated(known))
            {
                known->Seen = true;
                return 0;
            }
        }

        int error = TryAdd(info, path);
        s_error = error != 0 ? error : s_error;
        return 0;
    }

    private static int TryAdd(DlPhdrInfo* info, ReadOnlySpan<byte> path)
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
    /// An object is listed before it is relocated, and the counts do not tell when that is done. Relocations come in the order of their
    /// addresses, so it is the last note that tells. What is traced already stays as it was read.
    /// </summary>
    private static bool HasBeenRelocated(LoadedObject* known)
    {
        bool relocated = known->UnrelocatedEntry != null && known->Image.Contains(*known->UnrelocatedEntry, 1, ProgramHeader.Code);
        for (int i = 0; i < known->SiteCount && relocated; i++)
        {
            relocated = known->FirstSite[i].Current == 0;
        }

        return relocated;
    }

    /// <summary>
    /// An object that was closed and opened again at the same place has fresh text: then what we left there is not there.
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

    /// <summary>Which ops the site at an address has calls for now. Any context, marked as being in a handler.</summary>
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

    /// <summary>Some objects are gone, but not yet what we know of them.</summary>
    public static bool HasDropped => s_dropped != null;

    /// <summary>Forgets objects that are gone, without a look at where they were. A handler may be about to read what we know of them.</summary>
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

    /// <summary>Notes which objects are gone, when a grace period is about to begin. Called with the trace mutex held.</summary>
    /// <param name="grace">Its number; each is higher than the one before.</param>
    public static void RetireDropped(uint grace)
    {
        for (LoadedObject* known = s_dropped; known != null; known = known->NextDropped)
        {
            known->RetiredIn = known->RetiredIn == 0 ? grace : known->RetiredIn;
        }
    }

    /// <summary>Called after a grace period, with the trace mutex held; others may have begun meanwhile, and objects have gone.</summary>
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
        Block memory = target->Memory; // which the object itself lies in
        memory.Free();
    }
}
