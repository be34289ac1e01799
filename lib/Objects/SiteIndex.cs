using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary>
/// Finds one of an object's sites by address in a few steps. The text from the first site to the last one is divided into pieces of
/// equal size; the index has the number of the first site in each.
/// </summary>
internal unsafe struct SiteIndex
{
    /// <summary>There are so many pieces for each site at most, however far apart the sites are.</summary>
    private const ulong MaxPiecesPerSite = 4;

    /// <summary>A piece has 64 bytes or more: smaller ones would take memory and save no step.</summary>
    private const int SmallestShift = 6;

    private Block _starts;
    private ulong _first;
    private ulong _pieces;
    private int _shift;

    /// <summary>Bytes for each site at most, and for the pieces of the first and the last one.</summary>
    public const int BytesPerSite = (int)MaxPiecesPerSite * sizeof(uint);

    private readonly uint* Starts => (uint*)_starts.Start;

    /// <param name="sites">Sorted by address.</param>
    /// <param name="count">1 or more.</param>
    /// <returns>False if there is no memory.</returns>
    public bool TryBuild(Site* sites, int count)
    {
        // A conversion may move a site by one byte.
        ulong span = sites[count - 1].Ip + 1 - sites->Ip;
        _shift = SmallestShift;
        while (span >> _shift > MaxPiecesPerSite * (ulong)count)
        {
            _shift++;
        }

        _first = sites->Ip;
        _pieces = (span >> _shift) + 1;
        _starts = Block.Allocate((nuint)(_pieces + 1) * sizeof(uint));
        if (_starts.IsEmpty)
        {
            _pieces = 0;
            return false;
        }

        ulong piece = 0;
        for (int i = 0; i < count; i++)
        {
            ulong own = (sites[i].Ip - _first) >> _shift;
            while (piece <= own)
            {
                Starts[piece++] = (uint)i;
            }
        }

        while (piece <= _pieces)
        {
            Starts[piece++] = (uint)count;
        }

        return true;
    }

    /// <summary>The number of the site at an address; -1 if there is none. Any context.</summary>
    [NoInstr]
    public readonly int Find(Site* sites, ulong ip)
    {
        ulong piece = (ip - _first) >> _shift;
        if (piece >= _pieces)
        {
            return -1;
        }

        // The last site before the piece may have moved into it.
        uint low = Starts[piece];
        uint high = Starts[piece + 1];
        low -= low != 0 ? 1u : 0;
        while (low < high)
        {
            uint middle = low + (high - low) / 2;
            ulong found = sites[middle].Ip;
            if (found == ip)
            {
                return (int)middle;
            }

            low = found < ip ? middle + 1 : low;
            high = found < ip ? high : middle;
        }

        return -1;
    }

    public void Free() => _starts.Free();
}
