using System.Runtime.InteropServices;
using Ftrace.Protocol;
using Ftrace.Stop;
using Ftrace.Trace;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>The block of unmanaged memory: it fits its place, and what is hot has a line for itself.</summary>
public sealed unsafe class SharedStateTests
{
    private const int Line = 64;

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);

    [Test]
    public void PartsFitTheMemoryThatTheNativeFileHasForThem()
    {
        Assert.That(sizeof(ProtocolState) + sizeof(StopState) + sizeof(PatchState) + sizeof(BreakpointState) + sizeof(TraceState), Is.LessThanOrEqualTo(Offsets.SharedState_SizeOf));
        Assert.That(sizeof(SharedState), Is.EqualTo(Offsets.SharedState_SizeOf));
    }

    [Test]
    public void WordsThatManyThreadsWriteAreAloneOnTheirLines()
    {
        Assert.That(Offset<ProtocolState>(nameof(ProtocolState.NmiRunning)), Is.Zero);
        Assert.That(Offset<ProtocolState>(nameof(ProtocolState.ModCodeIp)), Is.GreaterThanOrEqualTo(Line));
        Assert.That(Offset<StopState>(nameof(StopState.Word)), Is.Zero);
        Assert.That(Offset<StopState>(nameof(StopState.WakeAt)), Is.GreaterThanOrEqualTo(Line));
        Assert.That(Offset<SharedState>(nameof(SharedState.Stop)) % Line, Is.Zero);
        Assert.That(Offset<BreakpointState>(nameof(BreakpointState.Handlers)), Is.GreaterThanOrEqualTo(Line));
    }

    [Test]
    public void GenerationIsTheUpperHalfOfTheWord()
    {
        var stop = new StopState { Word = 0x0000_0005_0000_0007 };
        Assert.That(stop.Generation, Is.EqualTo(5));
        Assert.That(stop.Joined, Is.EqualTo(7));
    }
}
