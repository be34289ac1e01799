namespace Ftrace.Tests.Explorer;

/// <summary>What is explored in every run of the tests, and what in the larger one.</summary>
internal static class Configurations
{
    public static readonly Configuration Nested = new("1 CPU, 2 NMIs nested", 2, [0, 2], 2, 1);
    public static readonly Configuration OwnNmi = new("1 CPU and patcher, 1 NMI each", 2, [1, 1], 1, 1);
    public static readonly Configuration TwoCpus = new("2 CPUs, 1 NMI each", 3, [0, 1, 1], 1, 1);
    public static readonly Configuration TwoLocations = new("1 CPU, 1 NMI, 2 locations", 2, [0, 1], 1, 2);
    public static readonly Configuration NestedTwoLocations = new("1 CPU, 2 NMIs nested, 2 locations", 2, [0, 2], 2, 2);
    public static readonly Configuration Failing = new("2 CPUs, 1 NMI each, write fails", 3, [0, 1, 1], 1, 1, FailingLocation: 1);
    public static readonly Configuration FailingSecond = new("1 CPU and patcher, 1 NMI each, second write fails", 2, [1, 1], 1, 2, FailingLocation: 2);
    public static readonly Configuration ThereAndBack = new("1 CPU, 1 NMI, there and back", 2, [0, 1], 1, 1, Windows: 2);

    public static readonly Configuration Weak = new("weak stores: 1 CPU, 1 NMI", 2, [0, 1], 1, 1, WeakStores: true);
    public static readonly Configuration WeakTwo = new("weak stores: 1 CPU, 1 NMI, 2 locations", 2, [0, 1], 1, 2, WeakStores: true);

    public static readonly Configuration[] Every =
        [Nested, OwnNmi, TwoCpus, TwoLocations, NestedTwoLocations, Failing, FailingSecond, ThereAndBack, Weak, WeakTwo];

    public static readonly Configuration[] Large =
    [
        new("1 CPU and patcher, 2 NMIs each nested", 2, [2, 2], 2, 1),
        new("2 CPUs, 1 NMI each, 2 locations", 3, [0, 1, 1], 1, 2),
        new("2 CPUs and patcher, 1 NMI each", 3, [1, 1, 1], 1, 1),
        new("1 CPU, 2 NMIs nested, there and back", 2, [0, 2], 2, 1, Windows: 2),
        new("2 CPUs, 1 NMI each, there and back", 3, [0, 1, 1], 1, 1, Windows: 2),
    ];
}
