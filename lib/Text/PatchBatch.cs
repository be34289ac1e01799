using System;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>The locations of one call, in the order of their addresses.</summary>
internal unsafe struct PatchBatch(FtracePatch* patches, int count)
{
    private static readonly Comparison<PatchKey> s_byAddress = static (a, b) => a.Ip.CompareTo(b.Ip);

    private readonly FtracePatch* _patches = patches;
    private readonly int _count = count;
    private PatchOrder _order = new() { Start = (byte*)patches, Stride = sizeof(FtracePatch) };
    private PatchKey* _keys;

    /// <summary>Sorts once, so that the runtime's lazy initialization is done before the first window.</summary>
    public static void WarmUp()
    {
        Span<PatchKey> keys = stackalloc PatchKey[64];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i].Ip = (ulong)(i * 37 % keys.Length);
        }

        keys.Sort(s_byAddress);
    }

    public readonly int Count => _count;

    public readonly PatchOrder Locations => _order;

    /// <summary>Between two neighbouring locations there is no page without a location.</summary>
    public bool CoversItsPages { get; private set; }

    /// <summary>The location with the <paramref name="rank"/>-th address.</summary>
    public readonly FtracePatch* this[int rank] => _order[rank];

    /// <summary>Its address.</summary>
    public readonly ulong IpOf(int rank) => _order.IpOf(rank);

    /// <summary>Sorts the entries and checks them, without reading text. <see cref="Free"/> has to follow.</summary>
    /// <returns>0; -EINVAL: a wrong length, an overlap, or a location that occurs twice; -ENOMEM.</returns>
    public int Order()
    {
        if (AreCloseAndInOrder())
        {
            CoversItsPages = true;
            return 0;
        }

        bool sorted = true;
        ulong last = 0;
        for (int i = 0; i < _count; i++)
        {
            _patches[i].Error = 0;
            sorted &= _patches[i].Ip >= last;
            last = _patches[i].Ip;
        }

        return sorted || Sort() ? FindCulprits() : -Errno.ENOMEM;
    }

    /// <summary>
    /// Most batches are sorted and correct, and their locations are close together: then each entry is read once, and
    /// nothing is written.
    /// </summary>
    private readonly bool AreCloseAndInOrder()
    {
        const ulong MaxGap = Memory.PageSize - X86Instruction.MaxPatch; // from the end of one location to the next

        ulong wide = 0;
        uint error = 0;
        FtracePatch* patch = _patches;
        FtracePatch* limit = patch + _count;
        for (ulong end = patch->Ip; patch != limit; patch++)
        {
            ulong gap = patch->Ip - end; // negative if it begins before the end of the previous one
            uint length = patch->Len - 1;
            wide |= gap | (MaxGap - gap) | (X86Instruction.MaxPatch - 1ul - length); // the highest bit is set if one is negative
            error |= (uint)patch->Error;
            end = patch->Ip + length + 1;
        }

        return (long)wide >= 0 && error == 0;
    }

    public readonly void Free()
    {
        if (_keys != null)
        {
            Memory.Unmap(_keys, KeyBytes);
        }
    }

    private readonly nuint KeyBytes => (nuint)_count * (nuint)sizeof(PatchKey);

    private bool Sort()
    {
        _keys = (PatchKey*)Memory.Map(KeyBytes);
        if (_keys == null)
        {
            return false;
        }

        Memory.Populate(_keys, KeyBytes); // cheaper than a fault for each page
        for (int i = 0; i < _count; i++)
        {
            _keys[i] = new PatchKey { Ip = _patches[i].Ip, Patch = _patches + i };
        }

        new Span<PatchKey>(_keys, _count).Sort(s_byAddress);
        _order = new PatchOrder { Start = (byte*)_keys, Stride = sizeof(PatchKey) };
        return true;
    }

    private readonly int FindCulprits()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_patches[i].Len - 1 >= X86Instruction.MaxPatch)
            {
                _patches[i].Error = -Errno.EINVAL;
            }
        }

        int farthest = 0; // of the entries before this one, that which ends last
        for (int i = 1; i < _count; i++)
        {
            if (this[i]->Ip - this[farthest]->Ip < this[farthest]->Len)
            {
                this[farthest]->Error = -Errno.EINVAL;
                this[i]->Error = -Errno.EINVAL;
            }

            if (this[i]->Ip - this[farthest]->Ip + this[i]->Len >= this[farthest]->Len)
            {
                farthest = i;
            }
        }

        return FirstError();
    }

    /// <summary>Clears the errors of all entries.</summary>
    public readonly void ClearErrors()
    {
        for (int i = 0; i < _count; i++)
        {
            _patches[i].Error = 0;
        }
    }

    /// <summary>The error of the first entry, in the caller's order, that has one; or 0.</summary>
    public readonly int FirstError()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_patches[i].Error != 0)
            {
                return _patches[i].Error;
            }
        }

        return 0;
    }

    /// <summary>The rank of the first location at or above <paramref name="address"/>; the count if there is none.</summary>
    public readonly int RankOf(ulong address) => _order.RankOf(_count, address);

    /// <summary>The location that <paramref name="address"/> is inside of, after its first byte; or null.</summary>
    public readonly FtracePatch* LocationAround(ulong address)
    {
        int rank = RankOf(address);
        if (rank == 0)
        {
            return null;
        }

        FtracePatch* patch = this[rank - 1];
        return address - patch->Ip < patch->Len ? patch : null;
    }

    /// <summary>The rank of the first location that has a byte at or above <paramref name="address"/>.</summary>
    public readonly int RankReaching(ulong address)
    {
        int rank = RankOf(address);
        return rank > 0 && this[rank - 1]->Ip + this[rank - 1]->Len > address ? rank - 1 : rank;
    }
}
