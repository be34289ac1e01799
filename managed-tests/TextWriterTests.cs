using Ftrace.Linux;
using Ftrace.Text;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Where a unit ends, by either writer.</summary>
public sealed unsafe class TextWriterTests
{
    private const int ProcMemFile = 4; // any descriptor, plus 1
    private const int MaxGroup = 64;

    /// <summary>Ends of units, for locations with these addresses and lengths.</summary>
    private static int EndOfUnit(int memFile, FtracePatch[] patches, int from)
    {
        var state = new TextState { MemFile = memFile };
        fixed (FtracePatch* first = patches)
        {
            var order = new PatchOrder { Start = (byte*)first, Stride = sizeof(FtracePatch) };
            return TextWriter.EndOfUnit(&state, order, patches.Length, from);
        }
    }

    /// <summary>Locations of 8 bytes; <paramref name="gap"/> between all but the two after each rank given.</summary>
    private static FtracePatch[] Locations(int count, uint gap, params int[] touching)
    {
        var patches = new FtracePatch[count];
        ulong ip = 0x10000;
        for (int i = 0; i < count; i++)
        {
            patches[i] = new FtracePatch { Ip = ip, Len = 8 };
            ip += 8 + (System.Array.IndexOf(touching, i) >= 0 ? 0 : gap);
        }

        return patches;
    }

    [Test]
    public void InPlaceAUnitIsAGroup()
    {
        FtracePatch[] patches = Locations(100, 8);
        Assert.That(EndOfUnit(0, patches, 0), Is.EqualTo(MaxGroup));
        Assert.That(EndOfUnit(0, patches, MaxGroup), Is.EqualTo(100));
    }

    [Test]
    public void ThroughProcMemAUnitIsARun()
    {
        FtracePatch[] patches = Locations(10, 8);
        patches[9].Ip += 2 * Memory.PageSize;
        Assert.That(EndOfUnit(ProcMemFile, patches, 0), Is.EqualTo(9));
        Assert.That(EndOfUnit(ProcMemFile, patches, 9), Is.EqualTo(10));
    }

    /// <summary>The pieces of one long instruction stay together.</summary>
    [Test]
    public void InPlaceAUnitDoesNotEndBetweenTwoThatTouch()
    {
        FtracePatch[] two = Locations(300, 8, MaxGroup - 1);
        Assert.That(EndOfUnit(0, two, 0), Is.EqualTo(MaxGroup - 1));
        Assert.That(EndOfUnit(0, two, MaxGroup - 1), Is.EqualTo(2 * MaxGroup - 1));
        Assert.That(EndOfUnit(0, Locations(300, 8, MaxGroup - 2, MaxGroup - 1), 0), Is.EqualTo(MaxGroup - 2));
    }

    [Test]
    public void ThroughProcMemAUnitDoesNotEndBetweenTwoThatTouch()
    {
        const int Full = TextWriter.MaxRun / 1024;
        FtracePatch[] patches = Locations(300, 1016);
        Assert.That(EndOfUnit(ProcMemFile, patches, 0), Is.EqualTo(Full));
        patches[Full - 1].Ip = patches[0].Ip + TextWriter.MaxRun - 12;
        Assert.That(EndOfUnit(ProcMemFile, patches, 0), Is.EqualTo(Full), "the next one does not touch");
        patches[Full].Ip = patches[0].Ip + TextWriter.MaxRun - 4;
        Assert.That(EndOfUnit(ProcMemFile, patches, 0), Is.EqualTo(Full - 1));
    }

    [Test]
    public void IfAllTouchAUnitIsAsLongAsItCanBe()
    {
        Assert.That(EndOfUnit(0, Locations(300, 0), 0), Is.EqualTo(MaxGroup));
        Assert.That(EndOfUnit(ProcMemFile, Locations(10000, 0), 0), Is.EqualTo(TextWriter.MaxRun / 8));
    }
}
