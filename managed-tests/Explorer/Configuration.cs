using System;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What is explored: CPU 0 is the patcher, the others execute text.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Cpus">With the patcher's.</param>
/// <param name="Nmis">NMIs that may arrive, for each CPU.</param>
/// <param name="Nesting">How deep NMIs may nest on one CPU.</param>
/// <param name="Locations">Patched in sequence in one window.</param>
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
    int Windows = 1,
    bool WeakStores = false)
{
    /// <summary>Changed one after the other with the breakpoint method. None: locations and windows are for the other one.</summary>
    public Batch[] Batches { get; init; } = [];

    public bool HasBreakpoints => Batches.Length > 0;

    /// <summary>What fails in each batch, or window.</summary>
    public Failure[] Failures { get; init; } = [];

    /// <summary>The failures leave what cannot be put back.</summary>
    public bool Stuck { get; init; }

    /// <summary>What becomes of each batch, or window.</summary>
    public Outcome Outcome
    {
        get
        {
            Outcome failed = Stuck ? Outcome.Stuck : Outcome.PutBack;
            return Failures.Length == 0 ? Outcome.Changed : failed;
        }
    }

    /// <summary>There is no membarrier: parked threads serialize by themselves.</summary>
    public bool NoMembarrier { get; init; }

    /// <summary>The host opens the gate and the window, and executes the new code in it.</summary>
    public bool HostWindow { get; init; }

    /// <summary>A part of a location cannot be written; or, at location 0, the membarrier fails.</summary>
    public bool Fails(TextPart part, int location, PatchCode code) =>
        Array.Exists(Failures, failure => failure == new Failure(part, location, code));

    /// <summary>The host opens the gate before the first batch and closes it after the last.</summary>
    public bool GateStaysOpen { get; init; }

    /// <summary>The patcher may give up waiting for NMIs.</summary>
    public bool GivesUp { get; init; }

    /// <summary>NMIs also arrive that leave SIGTRAP as it was, instead of blocked.</summary>
    public bool MixedMasks { get; init; }

    /// <summary>The threads of CPUs from this one on take no stop signal, and are seized; 0: none.</summary>
    public int FirstSeized { get; init; }

    public bool IsSeized(int cpu) => FirstSeized != 0 && cpu >= FirstSeized;

    /// <summary>At this location, in no batch, stands a breakpoint of the host's; 0: at none.</summary>
    public int HostBreakpoint { get; init; }
}
