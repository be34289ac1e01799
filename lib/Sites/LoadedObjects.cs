using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Sites;

/// <summary>
/// The program and its shared objects, as of the last look. Called with the loader's lock held, so that none of them goes.
/// </summary>
internal static unsafe class LoadedObjects
{
    private static LoadedObject* s_first;
    private static ulong s_adds;
    private static ulong s_subs;
    private static bool s_looked;
    private static bool s_failed;

    public static LoadedObject* First => s_first;

    /// <summary>Takes note of objects that were opened or closed.</summary>
    /// <returns>0 or -ENOMEM.</returns>
    public static int Update()
    {
        bool same = true;
        Native.Table->IterateObjects(&CompareCounts, &same);
        if (same)
        {
            return 0;
        }

        for (LoadedObject* known = s_first; known != null; known = known->Next)
        {
            known->Seen = false;
        }

        s_failed = false;
        Native.Table->IterateObjects(&Visit, null);
        Drop();
        s_looked = !s_failed;
        return s_failed ? -Errno.ENOMEM : 0;
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
            if (!known->Seen && known->Base == info->Base && known->Headers == info->Headers
                && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(known->Path).SequenceEqual(path) && IsAsWeLeftIt(known))
            {
                known->Seen = true;
                return 0;
            }
        }

        s_failed |= !TryAdd(info, path);
        return 0;
    }

    private static bool TryAdd(DlPhdrInfo* info, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> fileName = path.IsEmpty ? "program"u8 : path[(path.LastIndexOf((byte)'/') + 1)..];
        Block memory = Block.Allocate((nuint)(sizeof(LoadedObject) + path.Length + fileName.Length + 2));
        if (memory.IsEmpty)
        {
            return false;
        }

        var added = (LoadedObject*)memory.Start;
        byte* strings = (byte*)(added + 1);
        path.CopyTo(new Span<byte>(strings, path.Length));
        fileName.CopyTo(new Span<byte>(strings + path.Length + 1, fileName.Length));
        added->Memory = memory;
        added->Path = strings;
        added->FileName = strings + path.Length + 1;
        added->Base = info->Base;
        added->Headers = info->Headers;
        added->HeaderCount = info->HeaderCount;
        added->Seen = true;
        added->IsNew = true;
        added->Next = s_first;
        s_first = added;
        ObjectReader.Read(added);
        return true;
    }

    /// <summary>
    /// An object that was closed and opened again at the same place has fresh text: then the calls are not there that we left.
    /// </summary>
    private static bool IsAsWeLeftIt(LoadedObject* known)
    {
        for (int i = 0; i < known->SiteCount; i++)
        {
            Site* site = known->FirstSite + i;
            if (site->Current != 0)
            {
                return *(byte*)site->Ip == X86.X86Instruction.CallOpcode;
            }
        }

        return true;
    }

    /// <summary>Forgets objects that are gone, without a look at where they were.</summary>
    private static void Drop()
    {
        LoadedObject* kept = null;
        LoadedObject* next;
        for (LoadedObject* known = s_first; known != null; known = next)
        {
            next = known->Next;
            if (known->Seen)
            {
                known->Next = kept;
                kept = known;
                continue;
            }

            known->Sites.Free();
            known->SiteNames.Free();
            known->Jumps.Free();
            Block memory = known->Memory;
            memory.Free();
        }

        s_first = kept;
    }
}
