using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>
/// Threads claim records, after a look for those of threads that have ended, use them, and end; the first record is that of thread 0.
/// <see cref="RecordClaim{TMachine}"/>.
/// </summary>
/// <remarks>
/// No record is taken back while its thread lives, none has two owners, and what a thread has written in its own is there. At the end
/// each is free or in use.
/// </remarks>
/// <param name="name">Its name.</param>
/// <param name="records">Records.</param>
/// <param name="claiming">Threads that claim: the numbers from 1 on.</param>
internal sealed unsafe class ClaimScenario(string name, int records, int claiming) : Scenario(name, claiming + 1)
{
    private const int First = 0;
    private const int Claiming = 1;

    private const int RecordWords = 3;
    private const int State = 0;
    private const int Owner = 1;
    private const int Mark = 2;
    private static readonly string[] s_names = ["state", "owner", "mark"];

    // Events, with a record.
    private const int Claimed = 0;
    private const int Released = 1;
    private const int Lost = 2;

    private const int Pid = 1;

    public override int Words => records * RecordWords;

    /// <summary>Of each record: its owner's number, and 1.</summary>
    public override int Notes => records;

    public override string NameOf(int word) => s_names[word % RecordWords];

    public override int ProgramOf(int thread) => thread == 0 ? First : Claiming;

    public override void Begin(World world)
    {
        world.Store(State, 1, ClaimState.InUse);
        world.Store(Owner, 1, 1);
        world.Store(Mark, 1, 1);
        world.Note(0) = 1;
    }

    public override void Run(int program, int thread)
    {
        if (program == Claiming)
        {
            int record = Claim(thread);
            if (record >= 0)
            {
                SimThreads.Write(At(record, Mark), (uint)thread + 1);
                SimThreads.Pause();
                Check(record, thread);
            }
        }
        else
        {
            Check(0, thread);
        }

        SimThreads.Exit();
    }

    public override string? After(World world, int thread, Step step, ulong result)
    {
        if (step.Kind != StepKind.Event)
        {
            return null;
        }

        ref ushort owner = ref world.Note((int)step.Value);
        bool lives = owner != 0 && world.EndedOf(owner - 1) == 0;
        switch (step.Word)
        {
            case Claimed:
                owner = (ushort)(thread + 1);
                return lives ? "a record has two owners" : null;
            case Released:
                owner = 0;
                return lives ? "a record is taken from a thread that lives" : null;
            default:
                return "what a thread has written in its record is lost";
        }
    }

    public override string? AtEnd(World world)
    {
        for (int record = 0; record < records; record++)
        {
            if (world.Load(record * RecordWords + State, 1) == ClaimState.Changing)
            {
                return "a record stays neither free nor in use";
            }
        }

        return null;
    }

    /// <summary>TraceThreads.Claim; -1 if there is none left.</summary>
    private int Claim(int thread)
    {
        for (int record = 0; record < records; record++)
        {
            if (RecordClaim<SimThreads>.TryReap(At(record, State), At(record, Owner), Pid))
            {
                SimThreads.Event(Released, record);
                SimThreads.Write(At(record, Mark), 0);
                RecordClaim<SimThreads>.Release(At(record, State));
            }
        }

        for (int record = 0; record < records; record++)
        {
            if (RecordClaim<SimThreads>.TryClaim(At(record, State)))
            {
                SimThreads.Event(Claimed, record);
                SimThreads.Write(At(record, Mark), 0);
                RecordClaim<SimThreads>.Publish(At(record, State), At(record, Owner), thread + 1);
                return record;
            }
        }

        return -1;
    }

    private static void Check(int record, int thread)
    {
        if (SimThreads.Read(At(record, Mark)) != thread + 1)
        {
            SimThreads.Event(Lost, record);
        }
    }

    private static uint* At(int record, int word) => SimThreads.Word(record * RecordWords + word);
}
