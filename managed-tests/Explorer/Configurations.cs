using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What is explored in every run of the tests, and what in the larger one.</summary>
internal static class Configurations
{
    private static readonly Batch s_there = new(1);
    private static readonly Batch s_back = new(1, Back: true);
    private static readonly Batch s_other = new(2);
    private static readonly Batch s_both = new(3);

    public static readonly Configuration Nested = new("1 CPU, 2 NMIs nested", 2, [0, 2], 2, 1);
    public static readonly Configuration OwnNmi = new("1 CPU and patcher, 1 NMI each", 2, [1, 1], 1, 1);
    public static readonly Configuration TwoCpus = new("2 CPUs, 1 NMI each", 3, [0, 1, 1], 1, 1);
    public static readonly Configuration TwoLocations = new("1 CPU, 1 NMI, 2 locations", 2, [0, 1], 1, 2);
    public static readonly Configuration NestedTwoLocations = new("1 CPU, 2 NMIs nested, 2 locations", 2, [0, 2], 2, 2);
    public static readonly Configuration Failing = new("2 CPUs, 1 NMI each, write fails", 3, [0, 1, 1], 1, 1) { Failures = [new Failure(TextPart.Whole, 1)] };
    public static readonly Configuration FailingSecond = new("1 CPU and patcher, 1 NMI each, second write fails", 2, [1, 1], 1, 2) { Failures = [new Failure(TextPart.Whole, 2)] };
    public static readonly Configuration ThereAndBack = new("1 CPU, 1 NMI, there and back", 2, [0, 1], 1, 1, Windows: 2);

    public static readonly Configuration FailingForGood = new("1 CPU and patcher, 1 NMI each, second write fails for good", 2, [1, 1], 1, 2)
    {
        Failures = [new Failure(TextPart.Whole, 2), new Failure(TextPart.Whole, 2, PatchCode.Old)],
        Stuck = true,
    };

    public static readonly Configuration InHostWindow = new("1 CPU and patcher, 1 NMI each, the host's window", 2, [1, 1], 1, 1) { HostWindow = true };

    public static readonly Configuration[] NoMembarrier =
    [
        new("no membarrier: 1 CPU, 2 NMIs nested", 2, [0, 2], 2, 1) { NoMembarrier = true },
        new("no membarrier: 1 CPU, 1 NMI, there and back", 2, [0, 1], 1, 1, Windows: 2) { NoMembarrier = true },
        new("no membarrier: 2 CPUs, 1 NMI", 3, [0, 1, 0], 1, 1) { NoMembarrier = true },
    ];

    public static readonly Configuration Weak = new("weak stores: 1 CPU, 1 NMI", 2, [0, 1], 1, 1, WeakStores: true);
    public static readonly Configuration WeakTwo = new("weak stores: 1 CPU, 1 NMI, 2 locations", 2, [0, 1], 1, 2, WeakStores: true);

    public static readonly Configuration[] Seized =
    [
        new("seized: 1 CPU, 2 NMIs nested", 2, [0, 2], 2, 1) { FirstSeized = 1 },
        new("seized: 1 CPU, 1 NMI, there and back", 2, [0, 1], 1, 1, Windows: 2) { FirstSeized = 1 },
        new("seized: 1 of 2 CPUs, 1 NMI each", 3, [0, 1, 1], 1, 1) { FirstSeized = 2 },
    ];

    public static readonly Configuration[] Every =
    [
        Nested, OwnNmi, TwoCpus, TwoLocations, NestedTwoLocations, Failing, FailingSecond, FailingForGood, ThereAndBack, InHostWindow, Weak, WeakTwo,
        .. NoMembarrier, .. Seized,
    ];

    public static readonly Configuration[] Breakpoints =
    [
        new("int3: 1 CPU, there and back", 2, [0, 0], 0, 1) { Batches = [s_there, s_back] },
        new("int3: 1 CPU, 1 NMI", 2, [0, 1], 1, 1) { Batches = [s_there] },
        new("int3: 2 CPUs", 3, [0, 0, 0], 0, 1) { Batches = [s_there] },
        new("int3: 1 CPU, 2 NMIs nested", 2, [0, 2], 2, 1) { Batches = [s_there] },
        new("int3: patcher, 2 NMIs nested", 1, [2], 2, 1) { Batches = [s_there] },
        new("int3: 1 CPU and patcher, 1 NMI each", 2, [1, 1], 1, 1) { Batches = [s_there] },
        new("int3: 2 CPUs, 1 NMI", 3, [0, 1, 0], 1, 1) { Batches = [s_there] },
        new("int3: 1 CPU, 1 NMI, 2 locations", 2, [0, 1], 1, 2) { Batches = [s_both] },
        new("int3: 2 CPUs, 2 locations", 3, [0, 0, 0], 0, 2) { Batches = [s_both] },
        new("int3: 1 CPU, 2 NMIs nested, there and back", 2, [0, 2], 2, 1) { Batches = [s_there, s_back] },
        new("int3: 1 CPU, 2 NMIs nested, there and back, gate stays open", 2, [0, 2], 2, 1) { Batches = [s_there, s_back], GateStaysOpen = true },
        new("int3: 2 CPUs, there and back", 3, [0, 0, 0], 0, 1) { Batches = [s_there, s_back] },
        new("int3: 1 CPU, 1 NMI, one location, then another", 2, [0, 1], 1, 2) { Batches = [s_there, s_other] },
        new("int3: 1 CPU, 2 NMIs that block SIGTRAP or do not", 2, [0, 2], 2, 1) { Batches = [s_there], MixedMasks = true },
        new("int3: 1 CPU, 2 NMIs nested, patcher may give up", 2, [0, 2], 2, 2) { Batches = [s_there, s_other], GivesUp = true },
        new("int3: 1 CPU, a breakpoint of the host's", 2, [0, 0], 0, 2) { Batches = [s_there, s_back], HostBreakpoint = 2 },
        Fails("a breakpoint", new Failure(TextPart.Breakpoint, 2)),
        Fails("a tail", new Failure(TextPart.Tail, 2)),
        Fails("a head", new Failure(TextPart.Head, 2)),
        Fails("the first head", new Failure(TextPart.Head, 1)),
        Fails("first membarrier", new Failure(TextPart.Breakpoint, 0)),
        Fails("second membarrier", new Failure(TextPart.Tail, 0)),
        Fails("third membarrier", new Failure(TextPart.Head, 0)),
        Sticks("a breakpoint", new Failure(TextPart.Breakpoint, 2), new Failure(TextPart.Breakpoint, 2, PatchCode.Old)),
        Sticks("a tail", new Failure(TextPart.Tail, 2), new Failure(TextPart.Tail, 2, PatchCode.Old)),
        Sticks("a head", new Failure(TextPart.Head, 2), new Failure(TextPart.Head, 2, PatchCode.Old)),
        Sticks("a head, then a breakpoint", new Failure(TextPart.Head, 2), new Failure(TextPart.Breakpoint, 2, PatchCode.Old)),
        Sticks("every membarrier", new Failure(TextPart.Breakpoint, 0), new Failure(TextPart.Breakpoint, 0, PatchCode.Old)),
        Sticks("third membarrier", new Failure(TextPart.Head, 0), new Failure(TextPart.Head, 0, PatchCode.Old)),
    ];

    public static readonly Configuration[] Large =
    [
        new("1 CPU and patcher, 2 NMIs each nested", 2, [2, 2], 2, 1),
        new("2 CPUs, 1 NMI each, 2 locations", 3, [0, 1, 1], 1, 2),
        new("2 CPUs and patcher, 1 NMI each", 3, [1, 1, 1], 1, 1),
        new("1 CPU, 2 NMIs nested, there and back", 2, [0, 2], 2, 1, Windows: 2),
        new("2 CPUs, 1 NMI each, there and back", 3, [0, 1, 1], 1, 1, Windows: 2),
        new("seized: 2 CPUs, 1 NMI each, 2 locations", 3, [0, 1, 1], 1, 2) { FirstSeized = 1 },
        new("seized: 1 of 2 CPUs, 1 NMI each, there and back", 3, [0, 1, 1], 1, 1, Windows: 2) { FirstSeized = 2 },
        new("int3: 2 CPUs, 1 NMI each", 3, [0, 1, 1], 1, 1) { Batches = [s_there] },
        new("int3: 1 CPU, 3 NMIs nested", 2, [0, 3], 3, 1) { Batches = [s_there] },
        new("int3: 1 CPU, 2 NMIs nested, patcher, 1 NMI", 2, [1, 2], 2, 1) { Batches = [s_there] },
        new("int3: 2 CPUs, 1 NMI, 2 locations", 3, [0, 1, 0], 1, 2) { Batches = [s_both] },
        new("int3: 2 CPUs, 1 NMI, there and back", 3, [0, 1, 0], 1, 1) { Batches = [s_there, s_back] },
        new("int3: 1 CPU, 2 NMIs that block SIGTRAP or do not, there and back", 2, [0, 2], 2, 1) { Batches = [s_there, s_back], MixedMasks = true },
        new("int3: 2 CPUs, a breakpoint of the host's", 3, [0, 0, 0], 0, 2) { Batches = [s_there, s_back], HostBreakpoint = 2 },
    ];

    private static Configuration Fails(string what, Failure failure) =>
        new($"int3: 1 CPU, 1 NMI, 2 locations, {what} fails", 2, [0, 1], 1, 2) { Batches = [s_both], Failures = [failure] };

    private static Configuration Sticks(string what, Failure first, Failure then) =>
        new($"int3: 1 CPU, 1 NMI, 2 locations, {what} fails for good", 2, [0, 1], 1, 2)
        {
            Batches = [s_both],
            Failures = [first, then],
            Stuck = true,
        };
}
