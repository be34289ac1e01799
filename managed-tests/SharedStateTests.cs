using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.Trace;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>The block of unmanaged memory: it fits its place, and what is hot has a line for itself.</summary>
public sealed unsafe class SharedStateTests
{
    private const int Line = 64;

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);

    /// <summary>Where each part begins, and its bytes.</summary>
    private static readonly (string Name, int Offset, int Size)[] s_parts =
    [
        (nameof(ProtocolState), X86Nmi.StateOffset, sizeof(ProtocolState)),
        (nameof(StopState), StopState.Offset, sizeof(StopState)),
        (nameof(TextState), TextState.Offset, sizeof(TextState)),
        (nameof(PatchState), PatchState.Offset, sizeof(PatchState)),
        (nameof(TrapState), TrapState.Offset, sizeof(TrapState)),
        (nameof(TraceState), TraceState.Offset, sizeof(TraceState)),
    ];

    [Test]
    public void PartsFitTheMemoryThatTheNativeFileHasForThem()
    {
        int end = 0;
        foreach ((string name, int offset, int size) in s_parts)
        {
            Assert.That(offset, Is.GreaterThanOrEqualTo(end), $"{name} overlaps the part before it");
            Assert.That(offset % Line, Is.Zero, $"{name} begins in the middle of a line");
            end = offset + size;
        }

        Assert.That(end, Is.LessThanOrEqualTo(Offsets.SharedState_SizeOf));
    }

    /// <summary>The batch of the breakpoint method lies in the gaps between the protocol's words.</summary>
    [Test]
    public void BatchIsBetweenTheWordsOfItsProtocol()
    {
        TrapState state = default;
        state.Count = -1;
        state.Locations.Start = (byte*)-1;
        state.Locations.Stride = -1;
        state.Installed = ~0u;
        state.Previous = new KernelSigaction { Handler = ~0ul, Flags = ~0ul, Restorer = ~0ul, Mask = ~0ul };
        state.Open = ~0u;
        state.Hits = ~0ul;
        BreakpointState words = state.Protocol;
        Assert.That(words.Armed | words.Active | words.Code | words.Handlers | words.HeldNmis, Is.Zero);
        Assert.That(sizeof(TrapState), Is.EqualTo(sizeof(BreakpointState)));
    }

    [Test]
    public void WordsThatManyThreadsWriteAreAloneOnTheirLines()
    {
        Assert.That(Offset<ProtocolState>(nameof(ProtocolState.NmiRunning)), Is.Zero);
        Assert.That(Offset<ProtocolState>(nameof(ProtocolState.ModCodeIp)), Is.GreaterThanOrEqualTo(Line));
        Assert.That(Offset<StopState>(nameof(StopState.Word)), Is.Zero);
        Assert.That(Offset<StopState>(nameof(StopState.WakeAt)), Is.GreaterThanOrEqualTo(Line));
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
