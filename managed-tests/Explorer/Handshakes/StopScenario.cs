using System.Collections.Generic;
using System.Linq;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// A patcher stops threads, in several attempts: all but the last may be given up at any time. <see cref="StopRequest{TMachine}"/>.
/// </summary>
/// <remarks>
/// A thread is counted at most once a stop; in no stop that did not ask for it; does not go on while its stop is on; and is not
/// forgotten: if nobody can go on, that is a deadlock. While the patcher has its window, all whom it asked stand still, and what they have
/// written of themselves can be read. No more than a few signals are under way to a thread.
/// </remarks>
/// <param name="name">Its name.</param>
/// <param name="stopped">Threads to be stopped: the numbers from 1 on.</param>
/// <param name="attempts">Of the patcher.</param>
/// <param name="inNmi">The threads are in an announced NMI at first, which puts a stop off until it ends.</param>
internal sealed unsafe class StopScenario(string name, int stopped, int attempts, bool inNmi = false) : Scenario(name, stopped + 1)
{
    private const int Patcher = 0;
    private const int Handler = 1;
    private const int Nmi = 2;

    private const int Word = 0;
    private const int WakeAt = 2;
    private const int FirstThread = 3;
    private const int ThreadWords = 5;
    private static readonly string[] s_names = ["requested", "sent", "parked", "announced", "put-off"];

    // Events, and what they note of each thread.
    private const int Asked = 0;
    private const int Blocks = 1;
    private const int Window = 2;
    private const int JoinedNote = 2;
    private const int NotesOfThread = 3;

    private const int MaxPending = 2;

    public override int Words => FirstThread + stopped * ThreadWords;

    public override int Notes => (stopped + 1) * NotesOfThread;

    public override string NameOf(int word) => word < WakeAt ? "word" : word == WakeAt ? "wake-at" : s_names[(word - FirstThread) % ThreadWords];

    public override int ProgramOf(int thread) => thread == 0 ? Patcher : inNmi ? Nmi : -1;

    public override void Begin(World world)
    {
        for (int thread = 1; thread <= stopped && inNmi; thread++)
        {
            world.Store(Of(thread, "announced"), 1, 1);
        }
    }

    public override void Run(int program, int thread)
    {
        switch (program)
        {
            case Patcher:
                RunPatcher();
                break;
            case Handler:
                uint generation = StopRequest<SimThreads>.Accept(At(thread, "requested"), At(thread, "sent"));
                if (inNmi && SimThreads.Read(At(thread, "announced")) != 0)
                {
                    SimThreads.Write(At(thread, "put-off"), generation);
                    break;
                }

                Park(thread, generation);
                break;
            default:
                SimThreads.Pause();
                SimThreads.Write(At(thread, "announced"), 0);
                uint putOff = SimThreads.Read(At(thread, "put-off"));
                if (putOff != 0)
                {
                    SimThreads.Write(At(thread, "put-off"), 0);
                    SimThreads.Event(Blocks);
                    Park(thread, putOff);
                }

                break;
        }
    }

    public override IEnumerable<int> Interrupts(World world, int thread, IReadOnlyList<int> under)
    {
        bool blocked = under.Contains(Handler) || (under.Count > 0 && world.Note(thread * NotesOfThread + Blocks) != 0);
        return world.PendingOf(thread) > 0 && !blocked ? [Handler] : [];
    }

    public override void Interrupt(World world, int thread) => world.PendingOf(thread)--;

    public override string? After(World world, int thread, Step step, ulong result)
    {
        switch (step.Kind)
        {
            case StepKind.Event when step.Word == Window:
                return CheckWindow(world);
            case StepKind.Event:
                int about = step.Word == Asked ? (int)step.Value : thread;
                world.Note(about * NotesOfThread + step.Word) = step.Word == Asked ? Generation(world) : (ushort)1;
                return null;
            case StepKind.Send when world.PendingOf((int)step.Value) > MaxPending:
                return "the queue of signals fills";
            case StepKind.Cmpxchg when result == step.Expected && step.Word == Word:
            case StepKind.Write when step.Word == Word && thread != 0:
                return Join(world, thread, (ushort)(step.Value >> 32));
            default:
                return null;
        }
    }

    public override string? Ended(World world, int thread, int program) =>
        thread != 0 && world.Note(thread * NotesOfThread + JoinedNote) == Generation(world) && Generation(world) % 2 != 0
            ? "a thread goes on while its stop is on"
            : null;

    private void RunPatcher()
    {
        for (int attempt = 1; attempt <= attempts; attempt++)
        {
            uint generation = StopRequest<SimThreads>.Begin(SimThreads.LongWord(Word));
            for (int thread = 1; thread <= stopped; thread++)
            {
                SimThreads.Event(Asked, thread);
                if (StopRequest<SimThreads>.Request(At(thread, "requested"), At(thread, "sent"), generation, thread + 1))
                {
                    SimThreads.Send(thread);
                }
            }

            if (WaitForAll(mayGiveUp: attempt < attempts))
            {
                SimThreads.Event(Window);
            }

            StopRequest<SimThreads>.Release(SimThreads.LongWord(Word));
        }
    }

    private bool WaitForAll(bool mayGiveUp)
    {
        for (; ; )
        {
            uint joined = StopRequest<SimThreads>.Expect(SimThreads.LongWord(Word), SimThreads.Word(WakeAt), (uint)stopped);
            if (joined == stopped)
            {
                return true;
            }

            if (SimThreads.WaitOrGiveUp(Word, joined, mayGiveUp))
            {
                return false;
            }
        }
    }

    private static void Park(int thread, uint generation)
    {
        if (StopRequest<SimThreads>.Join(SimThreads.LongWord(Word), SimThreads.Word(WakeAt), At(thread, "parked"), generation))
        {
            StopRequest<SimThreads>.WaitForRelease(SimThreads.LongWord(Word), generation, spins: 0);
        }
    }

    private static string? Join(World world, int thread, ushort generation)
    {
        ref ushort joined = ref world.Note(thread * NotesOfThread + JoinedNote);
        if (joined == generation)
        {
            return "a thread is counted twice in a stop";
        }

        joined = generation;
        return world.Note(thread * NotesOfThread + Asked) != generation ? "a thread joins a stop that did not ask for it" : null;
    }

    private string? CheckWindow(World world)
    {
        for (int thread = 1; thread <= stopped; thread++)
        {
            if (world.Note(thread * NotesOfThread + JoinedNote) != Generation(world))
            {
                return "the window is open while a thread runs";
            }

            if (world.Load(0, Of(thread, "parked"), 1) != Generation(world))
            {
                return "a thread is counted before its record is filled in";
            }
        }

        return null;
    }

    private static ushort Generation(World world) => (ushort)world.Load(Word + 1, 1);

    private static int Of(int thread, string word) => FirstThread + (thread - 1) * ThreadWords + System.Array.IndexOf(s_names, word);

    private static uint* At(int thread, string word) => SimThreads.Word(Of(thread, word));
}
