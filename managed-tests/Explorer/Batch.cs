using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What the breakpoint method changes at once.</summary>
/// <param name="Locations">Bit 0: the first location, bit 1: the second one.</param>
/// <param name="Back">From the new code to the old.</param>
internal readonly record struct Batch(byte Locations, bool Back = false)
{
    /// <summary>In the word: the library's copy of the caller's entries.</summary>
    public const byte Kept = 8;

    private const int BackBit = 4;
    private const int NumberShift = 4;

    /// <summary>As a word of the simulated machine, different for each batch, and 0 for none.</summary>
    public byte Word(int number) => (byte)(number + 1 << NumberShift | (Back ? BackBit : 0) | Locations);

    public static Batch FromWord(byte word) => new((byte)(word & (BackBit - 1)), (word & BackBit) != 0);

    /// <summary>The code of a location before it, or after it.</summary>
    public byte Code(PatchCode code) => code == PatchCode.Old != Back ? Programs.OldCode : Programs.NewCode;

    public bool Contains(int location) => (Locations >> (location - 1) & 1) != 0;
}
