using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary>
/// Words of the host's for an object's sites, by address: a hash table with open addressing, which handlers fill without a lock. A word is
/// added when it is first asked for, is never removed, and does not move: so its address stays valid, and no page is used before.
/// </summary>
/// <remarks>
/// Threads, and NMIs that interrupt them, may add at the same time. A slot is taken by a compare-exchange of its address, and an address
/// takes the first free slot of its sequence, so an address has one slot: whoever comes second finds it taken, by the same address or by
/// another one.
/// </remarks>
internal unsafe struct SiteWords
{
    /// <summary>There are less than four slots for each site.</summary>
    public const int BytesPerSite = 64;

    private const ulong Golden = 0x9e3779b97f4a7c15;

    private Block _memory;
    private ulong _mask;
    private int _shift;

    [NoInstr]
    private readonly Slot* Slots => (Slot*)_memory.Start;

    /// <param name="count">How many sites there are, 1 or more.</param>
    /// <returns>False if there is no memory.</returns>
    public bool TryReserve(int count)
    {
        // At most half of the slots are used, so the sequences are short.
        ulong slots = BitOperations.RoundUpToPowerOf2(2ul * (ulong)count);
        _memory = Block.Reserve((nuint)slots * (nuint)sizeof(Slot));
        _mask = slots - 1;
        _shift = 64 - BitOperations.Log2(slots);
        return !_memory.IsEmpty;
    }

    /// <summary>The word of an address; null if it has none. Any context.</summary>
    [NoInstr]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong* Find(ulong ip)
    {
        ulong at = First(ip);
        for (ulong left = _mask; Slots[at].Ip != 0 && left != 0; left--)
        {
            if (Slots[at].Ip == ip)
            {
                return &Slots[at].Word;
            }

            at = (at + 1) & _mask;
        }

        return null;
    }

    /// <summary>Adds the word of an address, unless it is there. Null if there is no slot. Any context.</summary>
    [NoInstr]
    public readonly ulong* Add(ulong ip)
    {
        ulong at = First(ip);
        for (ulong left = _mask; left != 0; left--)
        {
            ulong found = Interlocked.CompareExchange(ref Slots[at].Ip, ip, 0);
            if (found == 0 || found == ip)
            {
                return &Slots[at].Word;
            }

            at = (at + 1) & _mask;
        }

        return null;
    }

    public void Free() => _memory.Free();

    [NoInstr]
    private readonly ulong First(ulong ip) => ip * Golden >> _shift;

    [StructLayout(LayoutKind.Sequential)]
    private struct Slot
    {
        public ulong Ip;
        public ulong Word;
    }
}
