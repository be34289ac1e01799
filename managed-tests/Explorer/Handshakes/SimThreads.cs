using System;
using System.Runtime.InteropServices;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>The machine on which the tests run the protocols between threads: every operation is a step, taken when the explorer likes.</summary>
internal unsafe struct SimThreads : IThreadMachine
{
    private const int MaxWords = 64;

    /// <summary>The addresses stand for the words; what is there is never used.</summary>
    private static readonly uint* s_words = (uint*)NativeMemory.AllocZeroed(MaxWords * sizeof(uint));

    public static uint* Word(int word) => s_words + word;

    public static ulong* LongWord(int word) => (ulong*)(s_words + word);

    public static uint Read(uint* word)
    {
        int index = IndexOf(word);
        if (Run.Current.Mutant is HandshakeMutant.AcceptReadsFirst or HandshakeMutant.OnlyAcceptReadsFirst && Name(index) == "requested")
        {
            uint value = (uint)Run.Current.Do(new Step(StepKind.Read, index));
            Run.Current.DoLate();
            return value;
        }

        return Is(HandshakeMutant.AlwaysSends, index, "sent") || Is(HandshakeMutant.NoWake, index, "wake-at") ? 0 : (uint)Run.Current.Do(new Step(StepKind.Read, index));
    }

    public static ulong Read(ulong* word)
    {
        int index = IndexOf(word);
        return Is(HandshakeMutant.LevelZeroOnly, index, "levels") && Run.Current.IsWaiter ? 0 : Run.Current.Do(new Step(StepKind.Read, index, 2));
    }

    public static void Write(uint* word, uint value)
    {
        int index = IndexOf(word);
        var step = new Step(StepKind.Write, index, 1, value);
        if (Is(HandshakeMutant.ParkedLate, index, "parked") || Is(HandshakeMutant.OwnerLate, index, "owner"))
        {
            Run.Current.Late = step;
            return;
        }

        if (Name(index) == "sent")
        {
            Run.Current.DoLate();
        }

        Run.Current.Do(step);
        if (Name(index) == "state")
        {
            Run.Current.DoLate();
        }
    }

    public static uint Xchg(uint* word, uint value)
    {
        int index = IndexOf(word);
        var step = new Step(StepKind.Xchg, index, 1, value);
        switch (Run.Current.Mutant)
        {
            case HandshakeMutant.AskLooksFirst when Name(index) == "requested":
            case HandshakeMutant.AcceptReadsFirst or HandshakeMutant.OnlyAcceptReadsFirst when Name(index) == "sent":
                Run.Current.Late = step;
                return 0;
            case HandshakeMutant.PlainAsk when Name(index) == "requested":
                return (uint)Run.Current.Do(step with { Kind = StepKind.Write });
            default:
                return (uint)Run.Current.Do(step);
        }
    }

    public static ulong Xchg(ulong* word, ulong value)
    {
        int index = IndexOf(word);
        bool releases = (value >> 32) % 2 == 0;
        if (!releases || !Is(HandshakeMutant.PlainRelease, index, "word"))
        {
            return Run.Current.Do(new Step(StepKind.Xchg, index, 2, value));
        }

        ulong before = Run.Current.Do(new Step(StepKind.Read, index, 2));
        Run.Current.Do(new Step(StepKind.Write, index, 2, value));
        return before;
    }

    public static uint Cmpxchg(uint* word, uint expected, uint value) => (uint)Cmpxchg(IndexOf(word), 1, expected, value, HandshakeMutant.PlainTake);

    public static ulong Cmpxchg(ulong* word, ulong expected, ulong value)
    {
        int index = IndexOf(word);
        ulong found = Cmpxchg(index, 2, expected, value, HandshakeMutant.PlainJoin);
        if (Run.Current.Mutant != HandshakeMutant.JoinLooksOnce)
        {
            return found;
        }

        for (ulong before = expected; found != before;)
        {
            before = found;
            found = Cmpxchg(index, 2, before, before + 1, HandshakeMutant.None);
        }

        return expected;
    }

    public static void SmpMb()
    {
        if (Run.Current.Mutant != HandshakeMutant.NoWakeBarrier)
        {
            Run.Current.Do(new Step(StepKind.Barrier));
        }
    }

    public static void CpuRelax() => Run.Current.Do(new Step(StepKind.Relax));

    public static void FutexWait(uint* word, uint value) => Run.Current.Do(new Step(StepKind.FutexWait, IndexOf(word), Expected: value));

    public static void FutexWake(uint* word, int count) => Run.Current.Do(new Step(StepKind.FutexWake, IndexOf(word)));

    /// <summary>It reaches one thread after the other.</summary>
    public static bool Membarrier()
    {
        for (int thread = 0; thread < Run.Current.Scenario.Threads && Run.Current.Mutant != HandshakeMutant.NoMembarrier; thread++)
        {
            Run.Current.Do(new Step(StepKind.Membarrier, Value: (ulong)thread));
        }

        return true;
    }

    /// <summary>A thread's id is its number, and 1.</summary>
    public static bool IsStopPending(int tid)
    {
        bool pending = Run.Current.Mutant is HandshakeMutant.NoPendingLook or HandshakeMutant.AcceptReadsFirst
            || Run.Current.Do(new Step(StepKind.IsPending, Value: (ulong)tid - 1)) != 0;
        if (pending)
        {
            Run.Current.DoLate();
        }

        return pending;
    }

    public static bool HasEnded(int pid, int tid) => (Run.Current.Mutant == HandshakeMutant.NoSecondLook && Run.Current.HasTaken)
        || Run.Current.Do(new Step(StepKind.HasEnded, Value: (ulong)tid - 1)) != 0;

    // What programs do beside the protocol.
    public static void Store(ulong* word, ulong value) => Run.Current.Do(new Step(StepKind.Write, IndexOf(word), 2, value));

    public static void Inc(int word) => Run.Current.Do(new Step(StepKind.Inc, word, 2));

    public static void Send(int thread) => Run.Current.Do(new Step(StepKind.Send, Value: (ulong)thread));

    public static void Pause() => Run.Current.Do(new Step(StepKind.Pause));

    public static void Exit() => Run.Current.Do(new Step(StepKind.Exit));

    public static void Event(int number, int value = 0) => Run.Current.Do(new Step(StepKind.Event, number, Value: (ulong)value));

    /// <summary>Sleeps on a word. True if that ended by itself.</summary>
    public static bool WaitOrGiveUp(int word, uint value, bool mayGiveUp) =>
        Run.Current.Do(new Step(StepKind.FutexWait, word, Expected: value, MayGiveUp: mayGiveUp)) != 0;

    private static ulong Cmpxchg(int index, int size, ulong expected, ulong value, HandshakeMutant plain)
    {
        ulong found;
        if (plain != HandshakeMutant.None && Run.Current.Mutant == plain)
        {
            found = Run.Current.Do(new Step(StepKind.Read, index, size));
            if (found == expected)
            {
                Run.Current.Do(new Step(StepKind.Write, index, size, value));
            }
        }
        else
        {
            found = Run.Current.Do(new Step(StepKind.Cmpxchg, index, size, value, expected));
        }

        if (found == expected)
        {
            Run.Current.HasTaken = true;
            if (Name(index) == "word")
            {
                Run.Current.DoLate();
            }
        }

        return found;
    }

    private static bool Is(HandshakeMutant mutant, int word, string name) => Run.Current.Mutant == mutant && Name(word) == name;

    private static string Name(int word) => Run.Current.Scenario.NameOf(word);

    private static int IndexOf(void* word) => (int)((uint*)word - s_words) is var index and >= 0 and < MaxWords
        ? index
        : throw new ArgumentOutOfRangeException(nameof(word));
}
