using System.Collections.Generic;
using System.Linq;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// A handler is taken out of the table, and freed when the grace period is over, while threads make traced calls, in NMIs too.
/// <see cref="GracePeriod{TMachine}"/>; the threads' side is what Native/trace_entry.S does, as <c>TrampolineTests</c> checks.
/// </summary>
/// <remarks>No handler runs that has been freed, at no level; and the wait ends.</remarks>
/// <param name="name">Its name.</param>
/// <param name="traced">Threads that call: the numbers from 1 on.</param>
/// <param name="calls">How often each.</param>
/// <param name="nmis">NMIs that come to the first of them, with a traced call.</param>
/// <param name="nesting">How deep they nest.</param>
internal sealed unsafe class GraceScenario(string name, int traced, int calls, int nmis, int nesting) : Scenario(name, traced + 1)
{
    private const int Waiter = 0;
    private const int Thread = 1; // and the programs of NMIs, by level

    private const int Table = 0;
    private const int FirstThread = 1;
    private const int ThreadWords = 6;
    private const int Mark = 0;
    private const int Levels = 2;
    private const int Pauses = 4;

    // Events.
    private const int Freed = 0;
    private const int Used = 1;

    private const uint Handler = 1;
    private const ulong MarkAddress = 8;

    public override int Words => FirstThread + traced * ThreadWords;

    public override int Notes => 1;

    public override bool MayNeverCome => true;

    public override string NameOf(int word) => word == Table ? "table" : ((word - FirstThread) % ThreadWords / 2) switch
    {
        0 => "mark",
        1 => "levels",
        _ => "pauses",
    };

    public override int ProgramOf(int thread) => thread == 0 ? Waiter : Thread;

    public override void Begin(World world)
    {
        world.Store(Table, 1, Handler);
        world.BudgetOf(1) = (ushort)nmis;
    }

    public override void Run(int program, int thread)
    {
        switch (program)
        {
            case Waiter:
                Wait();
                break;
            case Thread:
                for (int i = 0; i < calls; i++)
                {
                    Call(thread);
                }

                break;
            default:
                CallInNmi(thread, program - Thread);
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
        bool early = Handshakes.Run.Current.Mutant == HandshakeMutant.PausesReadFirst;
        var periods = new GracePeriod<SimThreads>[traced];
        for (int i = 0; i < traced && early; i++)
        {
            periods[i] = Of(i + 1);
        }

        GracePeriod<SimThreads>.Begin();
        for (int i = 0; i < traced; i++)
        {
            periods[i] = early ? periods[i] : Of(i + 1);
            while (!periods[i].IsOver)
            {
                SimThreads.CpuRelax();
            }
        }

        SimThreads.Event(Freed);
    }

    private static GracePeriod<SimThreads> Of(int thread) => new(At(thread, Mark), At(thread, Levels), At(thread, Pauses));

    /// <summary>ftrace_caller, outside of NMIs.</summary>
    private static void Call(int thread)
    {
        if (SimThreads.Read(At(thread, Mark)) != 0)
        {
            return;
        }

        bool late = Handshakes.Run.Current.Mutant == HandshakeMutant.MarkAfterTable;
        uint ops = late ? SimThreads.Read(SimThreads.Word(Table)) : 0;
        Store(At(thread, Mark), MarkAddress);
        RunHandler(late ? ops : SimThreads.Read(SimThreads.Word(Table)));
        Store(At(thread, Mark), 0);
        SimThreads.Inc(WordOf(thread, Pauses));
    }

    /// <summary>ftrace_regs_caller, from .Lnmi on.</summary>
    private static void CallInNmi(int thread, int level)
    {
        ulong levels = SimThreads.Read(At(thread, Levels));
        if ((levels >> level & 1) != 0)
        {
            return;
        }

        Store(At(thread, Levels), levels | 1ul << level);
        RunHandler(SimThreads.Read(SimThreads.Word(Table)));
        levels = SimThreads.Read(At(thread, Levels)) & ~(1ul << level);
        Store(At(thread, Levels), levels);
        if (Handshakes.Run.Current.Mutant == HandshakeMutant.PauseInNmi || (SimThreads.Read(At(thread, Mark)) | levels) == 0)
        {
            SimThreads.Inc(WordOf(thread, Pauses));
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

    private static int WordOf(int thread, int word) => FirstThread + (thread - 1) * ThreadWords + word;

    private static ulong* At(int thread, int word) => SimThreads.LongWord(WordOf(thread, word));
}
