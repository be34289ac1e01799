using Ftrace.Linux;

namespace Ftrace.Trace;

/// <summary>
/// A stub for each slot, within reach of an object's calls. Written while the memory is writable, executable ever after:
/// never both.
/// </summary>
/// <remarks>
/// A stub, 32 bytes; see Native/trace_entry.S:
/// <code>
/// ff 35 0a 00 00 00    push   [stub]
/// ff 25 0c 00 00 00    jmp    [caller]
/// cc cc cc cc
/// stub, caller         two addresses: of this stub, and of the code for all
/// </code>
/// An area begins at a multiple of its size, so that a stub's address tells its slot.
/// </remarks>
internal unsafe struct StubArea
{
    private const int StubSize = 32;
    private const int AreaSize = TraceSlots.Count * StubSize;
    private const int MaxAreas = 256;
    private const ulong Reach = 0x7000_0000; // of 2 GB, less what an area and a call take
    private const ulong Step = 0x10_0000;
    private const int MapPrivateAnonymousFixedNoreplace = 0x02 | 0x20 | 0x100000;

    private static StubArea* s_areas;
    private static int s_count;

    private ulong _start;

    public static bool Reserve()
    {
        s_areas = s_areas != null ? s_areas : (StubArea*)Memory.Map(MaxAreas * (nuint)sizeof(StubArea));
        return s_areas != null;
    }

    /// <summary>True for the address of a stub.</summary>
    [NoInstr]
    public static bool IsStub(ulong address)
    {
        for (int i = 0; i < s_count; i++)
        {
            if (address - s_areas[i]._start < AreaSize)
            {
                return true;
            }
        }

        return false;
    }

    public readonly ulong StubOf(int slot) => _start + (ulong)slot * StubSize;

    /// <summary>An area that all of a range can reach; made if there is none.</summary>
    /// <returns>Null if there is no room.</returns>
    public static StubArea* Near(ulong start, ulong end)
    {
        for (int i = 0; i < s_count; i++)
        {
            if (IsInReach(s_areas[i]._start, start, end))
            {
                return s_areas + i;
            }
        }

        if (s_count == MaxAreas)
        {
            return null;
        }

        ulong page = start & ~(Step - 1);
        for (ulong distance = Step; distance < Reach; distance += Step)
        {
            if (TryMake(page - distance, start, end) || TryMake(page + distance, start, end))
            {
                return s_areas + s_count - 1;
            }
        }

        return null;
    }

    private static bool IsInReach(ulong area, ulong start, ulong end) =>
        area < start ? end - area <= Reach : area + AreaSize - start <= Reach;

    private static bool TryMake(ulong address, ulong start, ulong end)
    {
        if (!IsInReach(address, start, end))
        {
            return false;
        }

        nint mapped = Native.Syscall(SyscallNumber.Mmap, (nint)address, AreaSize, Memory.ProtRead | Memory.ProtWrite, MapPrivateAnonymousFixedNoreplace, -1, 0);
        if (mapped < 0)
        {
            return false;
        }

        // An old system takes the address for a wish.
        Write((byte*)mapped);
        if ((ulong)mapped != address || Native.Syscall(SyscallNumber.Mprotect, mapped, AreaSize, Memory.ProtRead | Memory.ProtExec) != 0)
        {
            Memory.Unmap((void*)mapped, AreaSize);
            return false;
        }

        s_areas[s_count++]._start = address;
        return true;
    }

    private static void Write(byte* area)
    {
        for (int slot = 0; slot < TraceSlots.Count; slot++)
        {
            byte* stub = area + slot * StubSize;
            *(ulong*)stub = 0x25ff_0000_000a_35ff;
            *(ulong*)(stub + 8) = 0xcccc_cccc_0000_000c;
            *(ulong*)(stub + 16) = (ulong)stub;
            *(ulong*)(stub + 24) = Native.Table->Callers[slot % TraceSlots.Kinds];
        }
    }
}
