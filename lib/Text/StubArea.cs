using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>
/// Stubs within reach of an object's calls and jumps. The memory is writable while it is written, and executable after that:
/// never both. If writable memory must not become executable (PR_SET_MDWE, which systemd sets for MemoryDenyWriteExecute), it is
/// executable from the start, and written as text is.
/// </summary>
/// <remarks>
/// A stub of a slot, 32 bytes; see Native/trace_entry.S:
/// <code>
/// ff 35 0a 00 00 00    push   [stub]
/// ff 25 0c 00 00 00    jmp    [caller]
/// cc cc cc cc
/// stub, caller         two addresses: of this stub, and of the trampoline
/// </code>
/// One of a site, of the same size; see Native/redzone.S:
/// <code>
/// ff 25 02 00 00 00    jmp    [code]
/// cc cc
/// code                 the address of the site's code
/// cc ...
/// </code>
/// One of a function whose exits are traced, 64 bytes; see Native/graph_entry.S:
/// <code>
/// ff 35 1a 00 00 00    push   [next]
/// ff 35 1c 00 00 00    push   [stub]
/// ff 25 1e 00 00 00    jmp    [caller]
/// cc ...
/// next, stub, caller, set    addresses: where the function continues, of this stub, of the trampoline, of the set of ops
/// </code>
/// An area of slots begins at a multiple of its size, so that the number of the slot follows from a stub's address.
/// </remarks>
internal unsafe struct StubArea
{
    /// <summary>Stubs in an area.</summary>
    public const int Count = Offsets.TraceSlots_Count;

    public const int StubSize = Offsets.StubArea_StubSize;

    /// <summary>Bytes of a stub of <see cref="StubKind.Graph"/>.</summary>
    public const int GraphStubSize = Offsets.StubArea_GraphStubSize;
    private const int AreaSize = Count * StubSize;
    private const int MaxAreas = 8192; // each object needs its own for exits
    private const ulong Reach = 0x7000_0000; // of 2 GB, less what an area and a call take
    private const ulong Step = 0x10_0000;
    private const ulong SmallStep = 0x1_0000; // if a runtime has reserved all memory nearby except small gaps
    private const ulong Lowest = 0x1_0000; // nothing is mapped below
    private const int MapPrivateAnonymousFixedNoreplace = 0x02 | 0x20 | 0x100000;

    private static StubArea* s_areas;
    private static int s_count;

    /// <summary>Writable memory cannot be made executable.</summary>
    private static bool s_executableFirst;

    private StubKind _kind;
    private ulong _start;
    private uint _size;

    public static bool Reserve()
    {
        s_areas = s_areas != null ? s_areas : (StubArea*)Memory.Map(MaxAreas * (nuint)sizeof(StubArea));
        return s_areas != null;
    }

    /// <summary>True for the address of a stub of a slot, or of a function whose exits are traced.</summary>
    [NoInstr]
    public static bool IsStub(ulong address) => NumberOf(StubKind.Trace, address) >= 0 || NumberOf(StubKind.Graph, address) >= 0;

    /// <summary>The number of the slot or site whose stub is at an address; -1 if none is.</summary>
    [NoInstr]
    public static int NumberOf(StubKind kind, ulong address)
    {
        for (int i = 0; i < s_count; i++)
        {
            ulong offset = address - s_areas[i]._start;
            if (offset < s_areas[i]._size && s_areas[i]._kind == kind)
            {
                return (int)(offset / SizeOf(kind));
            }
        }

        return -1;
    }

    [NoInstr]
    private static uint SizeOf(StubKind kind) => kind == StubKind.Graph ? (uint)GraphStubSize : StubSize;

    /// <summary>True if the code of a location, five bytes, is a call of a stub, or a jump there, as the stub needs it.</summary>
    public static bool IsCallOfStub(ulong ip, byte* code)
    {
        byte opcode = OpcodeFor(ip, code);
        return opcode != 0 && *code == opcode;
    }

    /// <summary>The first byte with which the code of a location would be a call of a stub, or a jump there; 0: it leads to no stub.</summary>
    public static byte OpcodeFor(ulong ip, byte* code)
    {
        ulong target = X86Instruction.CallTarget(ip, new ReadOnlySpan<byte>(code, X86Instruction.CallSize));
        if (NumberOf(StubKind.Graph, target) >= 0)
        {
            return X86Instruction.JumpOpcode;
        }

        return NumberOf(StubKind.Trace, target) >= 0 ? X86Instruction.CallOpcode : (byte)0;
    }

    /// <summary>Finds the stub that an address is in, its size, and the area of the stub.</summary>
    public static bool TryFind(ulong address, out ulong area, out ulong stub, out uint size)
    {
        area = 0;
        size = StubSize;
        for (int i = 0; i < s_count && area == 0; i++)
        {
            area = address - s_areas[i]._start < s_areas[i]._size ? s_areas[i]._start : 0;
            size = SizeOf(s_areas[i]._kind);
        }

        stub = address - (address - area) % size;
        return area != 0;
    }

    /// <summary>The stub of a slot or site.</summary>
    public readonly ulong StubOf(int number) => _start + (ulong)number * SizeOf(_kind);

    /// <summary>An area that calls from all of a range can reach; created if there is none.</summary>
    /// <param name="kind">What for.</param>
    /// <param name="start">The first address.</param>
    /// <param name="end">The last one.</param>
    /// <param name="error">
    /// -ERANGE if there is no free memory in reach, -EPERM if the system forbids such memory, -EAGAIN if no file can be opened at present.
    /// </param>
    public static StubArea* FindOrCreate(StubKind kind, ulong start, ulong end, out int error)
    {
        error = -Errno.ERANGE;
        for (int i = 0; i < s_count; i++)
        {
            if (s_areas[i]._kind == kind && IsInReach(s_areas[i]._start, start, end))
            {
                return s_areas + i;
            }
        }

        return Create(new NewArea { Kind = kind, Start = start, End = end, Size = AreaSize }, ref error);
    }

    /// <summary>Creates the stubs of an object's functions whose exits are traced.</summary>
    /// <param name="sites">The functions' sites, whose jumps have to reach the stubs.</param>
    /// <param name="error">As for <see cref="FindOrCreate"/>.</param>
    public static StubArea* CreateGraph(in GraphStubSites sites, out int error)
    {
        error = -Errno.ERANGE;
        uint size = ((uint)sites.Count * GraphStubSize + Memory.PageSize - 1) & ~(Memory.PageSize - 1u);
        return Create(new NewArea { Kind = StubKind.Graph, Start = sites.IpOf(0), End = sites.IpOf(sites.Count - 1), Size = size, Sites = sites }, ref error);
    }

    /// <summary>Removes the stubs of an object that was closed. 0: it has none.</summary>
    public static void Remove(ulong start)
    {
        for (int i = 0; i < s_count && start != 0; i++)
        {
            if (s_areas[i]._start == start)
            {
                Volatile.Write(ref s_areas[i]._start, 0);
                Memory.Unmap((void*)start, s_areas[i]._size);
                s_areas[i]._size = 0;
                return;
            }
        }
    }

    private static StubArea* Create(in NewArea area, ref int error)
    {
        int place = 0;
        while (place < s_count && s_areas[place]._start != 0)
        {
            place++;
        }

        if (place == MaxAreas)
        {
            return null;
        }

        ulong address = CreateNear(area, Step, ref error);
        address = address == 0 && error == -Errno.ERANGE ? CreateNear(area, SmallStep, ref error) : address;
        if (address == 0)
        {
            return null;
        }

        // Others may be searching: an area without a start contains nothing.
        StubArea* added = s_areas + place;
        added->_kind = area.Kind;
        added->_size = area.Size;
        Volatile.Write(ref added->_start, address);
        s_count = Math.Max(s_count, place + 1);
        return added;
    }

    private static ulong CreateNear(in NewArea area, ulong step, ref int error)
    {
        ulong page = area.Start & ~(step - 1);
        for (ulong distance = step; distance < Reach && error == -Errno.ERANGE; distance += step)
        {
            if (TryCreate(area, page - distance, ref error))
            {
                return page - distance;
            }

            if (TryCreate(area, page + distance, ref error))
            {
                return page + distance;
            }
        }

        return 0;
    }

    private static bool IsInReach(ulong area, ulong start, ulong end, ulong size = AreaSize) =>
        area < start ? end - area <= Reach : area + size - start <= Reach;

    private static bool TryCreate(in NewArea area, ulong address, ref int error)
    {
        if (address < Lowest || !IsInReach(address, area.Start, area.End, area.Size))
        {
            return false;
        }

        if (!s_executableFirst && TryMap(address, area.Size, Memory.ProtRead | Memory.ProtWrite, ref error))
        {
            Write(area, (byte*)address, address);
            int sealing = (int)Native.Syscall(SyscallNumber.Mprotect, (nint)address, (nint)area.Size, Memory.ProtRead | Memory.ProtExec);
            if (sealing == 0)
            {
                return true;
            }

            s_executableFirst = IsRefusal(sealing);
            Memory.Unmap((void*)address, area.Size);
        }

        if (!s_executableFirst || !TryMap(address, area.Size, Memory.ProtRead | Memory.ProtExec, ref error))
        {
            return false;
        }

        error = WriteAsText(area, address);
        if (error != 0)
        {
            Memory.Unmap((void*)address, area.Size);
            return false;
        }

        return true;
    }

    /// <summary>Maps an area at exactly this address; an old kernel treats the address as a hint.</summary>
    private static bool TryMap(ulong address, uint size, int protection, ref int error)
    {
        nint mapped = Native.Syscall(SyscallNumber.Mmap, (nint)address, (nint)size, protection, MapPrivateAnonymousFixedNoreplace, -1, 0);
        if (mapped < 0)
        {
            error = IsRefusal((int)mapped) ? -Errno.EPERM : error;
            return false;
        }

        if ((ulong)mapped != address)
        {
            Memory.Unmap((void*)mapped, size);
            return false;
        }

        return true;
    }

    private static bool IsRefusal(int error) => error is -Errno.EACCES or -Errno.EPERM;

    /// <returns>0 or -errno.</returns>
    private static int WriteAsText(in NewArea area, ulong address)
    {
        void* stubs = Memory.Map(area.Size);
        if (stubs == null)
        {
            return -Errno.ENOMEM;
        }

        Write(area, (byte*)stubs, address);
        int file = ProcMem.Open();
        int error = file;
        if (file >= 0)
        {
            error = ProcMem.Write(file, address, (byte*)stubs, area.Size);
            ProcFile.Close(file);
        }

        Memory.Unmap(stubs, area.Size);
        if (error >= 0)
        {
            return 0;
        }

        return ProcFile.IsTransient(error) ? -Errno.EAGAIN : -Errno.EPERM;
    }

    private static void Write(in NewArea area, byte* stubs, ulong address)
    {
        if (area.Kind == StubKind.Graph)
        {
            WriteGraph(area, stubs, address);
        }
        else
        {
            Write(area.Kind, stubs, address);
        }
    }

    private static void WriteGraph(in NewArea area, byte* stubs, ulong address)
    {
        for (int number = 0; number < area.Sites.Count; number++)
        {
            byte* stub = stubs + number * GraphStubSize;
            *(ulong*)stub = 0x35ff_0000_001a_35ff;
            *(ulong*)(stub + 8) = 0x001e_25ff_0000_001c;
            *(ulong*)(stub + 16) = 0xcccc_cccc_cccc_0000;
            *(ulong*)(stub + 24) = 0xcccc_cccc_cccc_cccc;
            *(ulong*)(stub + 32) = area.Sites.IpOf(number) + X86Instruction.CallSize;
            *(ulong*)(stub + 40) = address + (ulong)(number * GraphStubSize);
            *(ulong*)(stub + 48) = Native.Table->GraphCaller;
            *(ulong*)(stub + Offsets.StubArea_GraphSet) = area.Sites.SetOf(number);
        }
    }

    private static void Write(StubKind kind, byte* area, ulong address)
    {
        for (int number = 0; number < Count; number++)
        {
            byte* stub = area + number * StubSize;
            if (kind != StubKind.Trace)
            {
                byte* site = Native.Table->RedZoneCallers + number * Offsets.RedZone_CallerSize;
                *(ulong*)stub = 0xcccc_0000_0002_25ff;
                *(ulong*)(stub + 8) = kind == StubKind.RedZone ? (ulong)site : (ulong)Native.Table->LoaderHook;
                *(ulong*)(stub + 16) = 0xcccc_cccc_cccc_cccc;
                *(ulong*)(stub + 24) = 0xcccc_cccc_cccc_cccc;
                continue;
            }

            *(ulong*)stub = 0x25ff_0000_000a_35ff;
            *(ulong*)(stub + 8) = 0xcccc_cccc_0000_000c;
            *(ulong*)(stub + 16) = address + (ulong)(number * StubSize);
            *(ulong*)(stub + 24) = Native.Table->Callers[number % Offsets.TraceSlots_Kinds];
        }
    }

    /// <summary>An area that is to be created.</summary>
    private struct NewArea
    {
        public StubKind Kind;
        public ulong Start;
        public ulong End;
        public uint Size;

        /// <summary>Of <see cref="StubKind.Graph"/>.</summary>
        public GraphStubSites Sites;
    }
}
