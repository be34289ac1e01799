namespace Ftrace.Text;

/// <summary>
/// The locations of a batch by address: the caller's entries themselves, if they are sorted, else keys that point to them.
/// Both begin with the address, so they differ in their size only.
/// </summary>
[NoInstr]
internal unsafe struct PatchOrder
{
    public byte* Start;

    /// <summary>Size of an entry, or of a <see cref="PatchKey"/>.</summary>
    public nint Stride;

    /// <summary>The address of the <paramref name="rank"/>-th location.</summary>
    public readonly ulong IpOf(int rank) => *(ulong*)From(rank);

    /// <summary>The <paramref name="rank"/>-th location.</summary>
    public readonly FtracePatch* this[int rank] =>
        Stride == sizeof(FtracePatch) ? (FtracePatch*)From(rank) : ((PatchKey*)From(rank))->Patch;

    /// <summary>The start of the same order from a location on.</summary>
    public readonly byte* From(int rank) => Start + rank * Stride;

    /// <summary>The rank of the first of <paramref name="count"/> locations at or above <paramref name="address"/>.</summary>
    public readonly int RankOf(int count, ulong address)
    {
        int low = 0;
        int high = count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            if (IpOf(middle) < address)
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
}
