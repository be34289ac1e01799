namespace Ftrace.Tests.Explorer;

/// <summary>What is explored: CPU 0 is the patcher, the others execute text.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Cpus">With the patcher's.</param>
/// <param name="Nmis">NMIs that may arrive, for each CPU.</param>
/// <param name="Nesting">How deep NMIs may nest on one CPU.</param>
/// <param name="Locations">Patched in sequence in one window.</param>
/// <param name="FailingLocation">1, 2: writing it fails; 0: none.</param>
/// <param name="Windows">1: there; 2: there and back again, the gate closed in between.</param>
/// <param name="WeakStores">
/// Not x86: stores to different words reach memory in any order, and locked operations drain nothing (SPARC's PSO). The
/// barriers that are free on x86 are steps then.
/// </param>
internal sealed record Configuration(
    string Name,
    int Cpus,
    int[] Nmis,
    int Nesting,
    int Locations,
    int FailingLocation = 0,
    int Windows = 1,
    bool WeakStores = false);
