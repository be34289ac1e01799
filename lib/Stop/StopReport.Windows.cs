using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>Why a stop failed, reported to the host once its threads run again: which thread did not stop, and why.</summary>
internal unsafe struct StopReport
{
    private const int LineSize = 200;

    private static StopReport s_noted;

    private int _tid;
    private bool _isRefused;

    /// <summary>Notes an obstacle, in place of an earlier one. Called with the stop mutex held.</summary>
    /// <param name="tid">The thread that did not stop; 0: there were always new ones.</param>
    /// <param name="isRefused">The system does not let it be suspended.</param>
    public static void Note(int tid, bool isRefused) => s_noted = new StopReport { _tid = tid, _isRefused = isRefused };

    /// <summary>What was noted. Called with the stop mutex held; <see cref="Print"/> is called without it.</summary>
    public static StopReport Take() => s_noted;

    /// <summary>Calls the host's print function, if it has one.</summary>
    public readonly void Print()
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        if (_tid == 0)
        {
            line.Add("ftrace: cannot stop threads: they start and end faster than they can be stopped; use a longer timeout"u8);
            line.Print();
            return;
        }

        line.Add("ftrace: cannot stop thread "u8);
        AddName(ref line, _tid);
        line.Add(_isRefused ? ": it cannot be suspended"u8 : ": it did not leave its NMI in time; does it wait there for another thread?"u8);
        line.Print();
    }

    /// <summary>Adds a thread's id.</summary>
    public static void AddName(ref ReportLine line, int tid) => line.Add(tid);
}
