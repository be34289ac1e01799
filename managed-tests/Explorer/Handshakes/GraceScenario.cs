using System.Collections.Generic;
using System.Linq;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// A handler is taken out of the table, and freed when the grace period is over, while threads make traced calls, in NMIs too.
/// <see cref="GracePeriod{TMachine}"/>; the threads' side is what Native/trace_entry.S does, as <c>TrampolineTests</c> checks.
/// </summary>
/// <remarks>No handler runs that has been freed, at no level; and the wait ends, even if a thread has ended in a handler.</remarks>
/// <param name="name">Its name.</param>
/// <param name="traced">Threads that call: the numbers from 1 on.</param>
/// <param name="calls">How often each.</param>
/// <param name="nmis">NMIs that come to the first of them, with a traced call.</param>
/// <param name="nesting">How deep they nest.</param>
/// <param name="dies">The first of them ends in its handler; the others have no record at first, and may take its.</param>
internal sealed unsafe class GraceScenario(string name, int traced, int calls, int nmis, int nesting, bool dies = false) : Scenario(name, traced + 1)
{
    private const int Waiter = 0;
    private const int Thread = 1; // and the programs of NMIs, by level

    private const int Table = 0;
    private const int FirstRecord = 1;
    private const int RecordWords = 8;
    private const int Mark = 0;
    private const int Levels = 2;
    private const int QuiescentStates = 4;
    private const int State = 6;
    private const int Owner = 7;
    private static readonly string[] s_names = ["mark", "", "levels", "", "quiescent-states", "", "state", "owner"];

    // Events.
    private const int Freed = 0;
    private const int Used = 1;

    private const int Pid = 1;
    private const uint Handler = 1;
    private const ulong MarkAddress = 8;

    public override int Words => FirstRecord + traced * RecordWords;

    public override int Notes => 1;

    public override bool MayNeverCome => true;

    public override string NameOf(int word) => word == Table ? "table" : s_names[(word - FirstRecord) % RecordWords];

    public override int ProgramOf(int thread) => thread == 0 ? Waiter : Thread;

    public override void Begin(World world)
    {
        world.Store(Table, 1, Handler);
        world.BudgetOf(1) = (ushort)nmis;
        for (int record = 0; record < (dies ? 1 : traced); record++)
        {
            world.Store(WordOf(record, State), 1, ClaimState.InUse);
            world.Store(WordOf(record, Owner), 1, (ulong)record + 2);
        }
    }

    public override void Run(int program, int thread)
    {
        switch (program)
        {
            case Waiter:
                Wait();
                break;
            case Thread:
                int record = dies && thread > 1 ? Claim(thread) : thread - 1;
                for (int i = 0; i < calls && record >= 0; i++)
                {
                    Call(record, diesInHandler: dies && thread == 1);
                }

                break;
            default:
                CallInNmi(thread - 1, program - Thread);
                break;
        }
    }

    public override IEnumerable<int> Interrupts(World world, int thread, IReadOnlyList<int> under)
    {
        int level = under.Count(static program => program > Thread) + 1;
        return thread != 0 && level <= nesting && world.BudgetOf(thread) > 0 ? [Thread + level] : [];
    }

    public override void Interrupt(World world, int thread) => world.BudgetOf(thread)--;

    public override string? After(World world, int thread, Step step, ulong result)
    {
        if (step.Kind == StepKind.Event && step.Word == Freed)
        {
            world.Note(Freed) = 1;
        }

        return step.Kind == StepKind.Event && step.Word == Used && world.Note(Freed) != 0 ? "a handler runs that was freed" : null;
    }

    private void Wait()
    {
        SimThreads.Write(SimThreads.Word(Table), 0);
        bool early = Handshakes.Run.Current.Mutant == HandshakeMutant.SnapshotFirst;
        GracePeriod<SimThreads> before = early ? Of(0) : default;
        GracePeriod<SimThreads>.Begin();
        for (int record = 0; record < traced; record++)
        {
            if (SimThreads.Read(StateOf(record)) != ClaimState.Free)
            {
                GracePeriod<SimThreads> period = early && record == 0 ? before : Of(record);
                while (!period.IsOver)
                {
                    if (!Reap(record))
                    {
                        SimThreads.CpuRelax();
                    }
                }
            }
        }

        SimThreads.Event(Freed);
    }

    private static GracePeriod<SimThreads> Of(int record) => new(At(record, Mark), At(record, Levels), At(record, QuiescentStates));

    /// <summary>TraceThreads.Reap.</summary>
    private static bool Reap(int record)
    {
        if (Handshakes.Run.Current.Mutant == HandshakeMutant.NoReap || !RecordClaim<SimThreads>.TryReap(StateOf(record), OwnerOf(record), Pid))
        {
            return false;
        }

        Store(At(record, Mark), 0);
        Store(At(record, Levels), 0);
        RecordClaim<SimThreads>.Release(StateOf(record));
        return true;
    }

    /// <summary>TraceThreads.Claim.</summary>
    private int Claim(int thread)
    {
        Reap(0);
        for (int record = 0; record < traced; record++)
        {
            if (RecordClaim<SimThreads>.TryClaim(StateOf(record)))
            {
                Store(At(record, Mark), 0);
                Store(At(record, Levels), 0);
                RecordClaim<SimThreads>.Publish(StateOf(record), OwnerOf(record), thread + 1);
                return record;
            }
        }

        return -1;
    }

    /// <summary>ftrace_caller, outside of NMIs.</summary>
    private static void Call(int record, bool diesInHandler)
    {
        if (SimThreads.Read(At(record, Mark)) != 0)
        {
            return;
        }

        bool late = Handshakes.Run.Current.Mutant == HandshakeMutant.MarkAfterTable;
        uint ops = late ? SimThreads.Read(SimThreads.Word(Table)) : 0;
        Store(At(record, Mark), MarkAddress);
        RunHandler(late ? ops : SimThreads.Read(SimThreads.Word(Table)));
        if (diesInHandler)
        {
            SimThreads.Exit();
            return;
        }

        Store(At(record, Mark), 0);
        SimThreads.Inc(WordOf(record, QuiescentStates));
    }

    /// <summary>ftrace_regs_caller, from .Lnmi on.</summary>
    private static void CallInNmi(int record, int level)
    {
        ulong levels = SimThreads.Read(At(record, Levels));
        if ((levels >> level & 1) != 0)
        {
            return;
        }

        Store(At(record, Levels), levels | 1ul << level);
        RunHandler(SimThreads.Read(SimThreads.Word(Table)));
        levels = SimThreads.Read(At(record, Levels)) & ~(1ul << level);
        Store(At(record, Levels), levels);
        if (Handshakes.Run.Current.Mutant == HandshakeMutant.QuiescentInNmi || (SimThreads.Read(At(record, Mark)) | levels) == 0)
        {
            SimThreads.Inc(WordOf(record, QuiescentStates));
        }
    }

    private static void RunHandler(uint ops)
    {
        if (ops != 0)
        {
            SimThreads.Pause();
            SimThreads.Event(Used);
        }
    }

    private static void Store(ulong* word, ulong value) => SimThreads.Store(word, value);

    private static int WordOf(int record, int word) => FirstRecord + record * RecordWords + word;

    private static ulong* At(int record, int word) => SimThreads.LongWord(WordOf(record, word));

    private static uint* StateOf(int record) => SimThreads.Word(WordOf(record, State));

    private static uint* OwnerOf(int record) => SimThreads.Word(WordOf(record, Owner));
}
