using System;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>The locations of one call, in the order of their addresses.</summary>
internal readonly unsafe struct PatchBatch(FtracePatch* patches, PatchKey* keys, int count)
{
    private static readonly Comparison<PatchKey> s_byAddress = static (a, b) => a.Ip.CompareTo(b.Ip);

    private readonly FtracePatch* _patches = patches;
    private readonly PatchKey* _keys = keys;
    private readonly int _count = count;

    /// <summary>Sorts once, so that what the runtime prepares lazily for that is there before the first window.</summary>
    public static void WarmUp()
    {
        Span<PatchKey> keys = stackalloc PatchKey[64];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i].Ip = (ulong)(i * 37 % keys.Length);
        }

        keys.Sort(s_byAddress);
    }

    public int Count => _count;

    /// <summary>The sorted array.</summary>
    public PatchKey* Keys => _keys;

    /// <summary>The location with the <paramref name="rank"/>-th address.</summary>
    public FtracePatch* this[int rank] => _keys[rank].Patch;

    /// <summary>Sorts the entries and finds what is wrong with them by themselves.</summary>
    /// <returns>0, or -EINVAL: a length, an overlap, a repetition.</returns>
    public int Order()
    {
        // Most batches come in order and are right; one look at each entry has to do then.
        bool sorted = true;
        bool clean = true;
        ulong last = 0;
        ulong end = 0; // behind the entry before
        for (int i = 0; i < _count; i++)
        {
            FtracePatch* patch = _patches + i;
            ulong ip = patch->Ip;
            _keys[i] = new PatchKey { Ip = ip, Patch = patch };
            patch->Error = 0;
            sorted &= ip >= last;
            clean &= patch->Len - 1 < X86Instruction.MaxPatch && ip >= end && ip + patch->Len > ip;
            last = ip;
            end = ip + patch->Len;
        }

        if (!sorted)
        {
            new Span<PatchKey>(_keys, _count).Sort(s_byAddress);
        }

        return sorted && clean ? 0 : FindCulprits();
    }

    private int FindCulprits()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_patches[i].Len - 1 >= X86Instruction.MaxPatch)
            {
                _patches[i].Error = -Errno.EINVAL;
            }
        }

        int farthest = 0; // the entry that ends last, of those before
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

    /// <summary>No entry is to blame.</summary>
    public void ClearErrors()
    {
        for (int i = 0; i < _count; i++)
        {
            _patches[i].Error = 0;
        }
    }

    /// <summary>The error of the first entry, in the caller's order, that has one; or 0.</summary>
    public int FirstError()
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
    public int RankOf(ulong address) => RankOf(_keys, _count, address);

    /// <summary>The same, where only the sorted array is at hand.</summary>
    [NoInstr]
    public static int RankOf(PatchKey* keys, int count, ulong address)
    {
        int low = 0;
        int high = count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            if (keys[middle].Ip < address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The location that has <paramref name="address"/> behind its first byte, or null.</summary>
    public FtracePatch* Around(ulong address)
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
    public int RankReaching(ulong address)
    {
        int rank = RankOf(address);
        return rank > 0 && this[rank - 1]->Ip + this[rank - 1]->Len > address ? rank - 1 : rank;
    }
}
