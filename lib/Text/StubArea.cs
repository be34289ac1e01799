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
/// An area begins at a multiple of its size, so that the number of the slot follows from a stub's address.
/// </remarks>
internal unsafe struct StubArea
{
    /// <summary>Stubs in an area.</summary>
    public const int Count = Offsets.TraceSlots_Count;

    public const int StubSize = Offsets.StubArea_StubSize;
    private const int AreaSize = Count * StubSize;
    private const int MaxAreas = 256;
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

    public static bool Reserve()
    {
        s_areas = s_areas != null ? s_areas : (StubArea*)Memory.Map(MaxAreas * (nuint)sizeof(StubArea));
        return s_areas != null;
    }

    /// <summary>True for the address of a slot's stub.</summary>
    [NoInstr]
    public static bool IsStub(ulong address) => NumberOf(StubKind.Trace, address) >= 0;

    /// <summary>The number of the slot or site whose stub is at an address; -1 if none is.</summary>
    [NoInstr]
    public static int NumberOf(StubKind kind, ulong address)
    {
        for (int i = 0; i < s_count; i++)
        {
            ulong offset = address - s_areas[i]._start;
            if (offset < AreaSize && s_areas[i]._kind == kind)
            {
                return (int)offset / StubSize;
            }
        }

        return -1;
    }

    /// <summary>True if the code of a location, five bytes, is a call of a stub, whichever.</summary>
    public static bool IsCallOfStub(ulong ip, byte* code) =>
        *code == X86Instruction.CallOpcode && IsStub(X86Instruction.CallTarget(ip, new ReadOnlySpan<byte>(code, X86Instruction.CallSize)));

    /// <summary>Finds the stub that an address is in, and the area of the stub.</summary>
    public static bool TryFind(ulong address, out ulong area, out ulong stub)
    {
        area = 0;
        for (int i = 0; i < s_count && area == 0; i++)
        {
            area = address - s_areas[i]._start < AreaSize ? s_areas[i]._start : 0;
        }

        stub = address - (address - area) % StubSize;
        return area != 0;
    }

    /// <summary>The stub of a slot or site.</summary>
    public readonly ulong StubOf(int number) => _start + (ulong)number * StubSize;

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

        if (s_count == MaxAreas)
        {
            return null;
        }

        return TryCreateNear(kind, start, end, Step, ref error) || (error == -Errno.ERANGE && TryCreateNear(kind, start, end, SmallStep, ref error))
            ? s_areas + s_count - 1
            : null;
    }

    private static bool TryCreateNear(StubKind kind, ulong start, ulong end, ulong step, ref int error)
    {
        ulong page = start & ~(step - 1);
        for (ulong distance = step; distance < Reach && error == -Errno.ERANGE; distance += step)
        {
            if (TryCreate(kind, page - distance, start, end, ref error) || TryCreate(kind, page + distance, start, end, ref error))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsInReach(ulong area, ulong start, ulong end) =>
        area < start ? end - area <= Reach : area + AreaSize - start <= Reach;

    private static bool TryCreate(StubKind kind, ulong address, ulong start, ulong end, ref int error)
    {
        if (address < Lowest || !IsInReach(address, start, end))
        {
            return false;
        }

        if (!s_executableFirst && TryMap(address, Memory.ProtRead | Memory.ProtWrite, ref error))
        {
            Write(kind, (byte*)address, address);
            int sealing = (int)Native.Syscall(SyscallNumber.Mprotect, (nint)address, AreaSize, Memory.ProtRead | Memory.ProtExec);
            if (sealing == 0)
            {
                Add(kind, address);
                return true;
            }

            s_executableFirst = IsRefusal(sealing);
            Memory.Unmap((void*)address, AreaSize);
        }

        if (!s_executableFirst || !TryMap(address, Memory.ProtRead | Memory.ProtExec, ref error))
        {
            return false;
        }

        error = WriteAsText(kind, address);
        if (error != 0)
        {
            Memory.Unmap((void*)address, AreaSize);
            return false;
        }

        Add(kind, address);
        return true;
    }

    /// <summary>Others may be searching: an area without a start contains nothing.</summary>
    private static void Add(StubKind kind, ulong address)
    {
        StubArea* added = s_areas + s_count++;
        added->_kind = kind;
        Volatile.Write(ref added->_start, address);
    }

    /// <summary>Maps an area at exactly this address; an old kernel treats the address as a hint.</summary>
    private static bool TryMap(ulong address, int protection, ref int error)
    {
        nint mapped = Native.Syscall(SyscallNumber.Mmap, (nint)address, AreaSize, protection, MapPrivateAnonymousFixedNoreplace, -1, 0);
        if (mapped < 0)
        {
            error = IsRefusal((int)mapped) ? -Errno.EPERM : error;
            return false;
        }

        if ((ulong)mapped != address)
        {
            Memory.Unmap((void*)mapped, AreaSize);
            return false;
        }

        return true;
    }

    private static bool IsRefusal(int error) => error is -Errno.EACCES or -Errno.EPERM;

    /// <returns>0 or -errno.</returns>
    private static int WriteAsText(StubKind kind, ulong address)
    {
        void* stubs = Memory.Map(AreaSize);
        if (stubs == null)
        {
            return -Errno.ENOMEM;
        }

        Write(kind, (byte*)stubs, address);
        int file = ProcMem.Open();
        int error = file;
        if (file >= 0)
        {
            error = ProcMem.Write(file, address, (byte*)stubs, AreaSize);
            ProcFile.Close(file);
        }

        Memory.Unmap(stubs, AreaSize);
        if (error >= 0)
        {
            return 0;
        }

        return ProcFile.IsTransient(error) ? -Errno.EAGAIN : -Errno.EPERM;
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
}
