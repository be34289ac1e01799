using System;
using Ftrace.Linux;
using Ftrace.X86;

namespace Ftrace.Text;

/// <summary>The locations of one call, in the order of their addresses.</summary>
internal readonly unsafe ref struct PatchBatch(FtracePatch* patches, Span<PatchBatch.Key> keys)
{
    private static readonly Comparison<Key> s_byAddress = static (a, b) => a.Ip.CompareTo(b.Ip);

    private readonly FtracePatch* _patches = patches;
    private readonly Span<Key> _keys = keys;

    /// <summary>An entry: its address, and its place in the caller's array.</summary>
    public struct Key
    {
        public ulong Ip;
        public uint Index;
    }

    /// <summary>Sorts once, so that what the runtime prepares lazily for that is there before the first window.</summary>
    public static void WarmUp()
    {
        Span<Key> keys = stackalloc Key[64];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i].Ip = (ulong)(i * 37 % keys.Length);
        }

        keys.Sort(s_byAddress);
    }

    public int Count => _keys.Length;

    /// <summary>The location with the <paramref name="rank"/>-th address.</summary>
    public FtracePatch* this[int rank] => _patches + _keys[rank].Index;

    /// <summary>Sorts the entries and finds what is wrong with them by themselves.</summary>
    /// <returns>0, or -EINVAL: a length, an overlap, a repetition.</returns>
    public int Order()
    {
        bool sorted = true;
        for (int i = 0; i < Count; i++)
        {
            FtracePatch* patch = _patches + i;
            patch->Error = patch->Len is >= 1 and <= X86Instruction.MaxPatch ? 0 : -Errno.EINVAL;
            _keys[i] = new Key { Ip = patch->Ip, Index = (uint)i };
            sorted &= i == 0 || _keys[i - 1].Ip <= patch->Ip;
        }

        if (!sorted)
        {
            _keys.Sort(s_byAddress);
        }

        int farthest = 0; // the entry that ends last, of those before
        for (int i = 1; i < Count; i++)
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
        for (int i = 0; i < Count; i++)
        {
            _patches[i].Error = 0;
        }
    }

    /// <summary>The error of the first entry, in the caller's order, that has one; or 0.</summary>
    public int FirstError()
    {
        for (int i = 0; i < Count; i++)
        {
            if (_patches[i].Error != 0)
            {
                return _patches[i].Error;
            }
        }

        return 0;
    }

    /// <summary>The rank of the first location at or above <paramref name="address"/>; the count if there is none.</summary>
    public int RankOf(ulong address)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            if (_keys[middle].Ip < address)
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
}
