using System;
using Ftrace.Linux;

namespace Ftrace.Stop;

/// <summary>
/// Why a stop failed, reported to the host once its threads run again: which thread did not stop, why, and what would help.
/// </summary>
internal unsafe struct StopReport
{
    private const int NameSize = 16; // TASK_COMM_LEN
    private const int LineSize = 400;

    private static StopReport s_noted;

    private StopObstacle _obstacle;
    private int _tid;
    private int _error;

    /// <summary>Notes an obstacle, in place of an earlier one.</summary>
    public static void Note(StopObstacle obstacle, int tid, int error = 0) =>
        s_noted = new StopReport { _obstacle = obstacle, _tid = tid, _error = error };

    public static void Forget() => s_noted = default;

    /// <summary>Removes and returns what was noted. Called with the stop mutex held; <see cref="Print"/> is called without it.</summary>
    public static StopReport Take()
    {
        StopReport noted = s_noted;
        s_noted = default;
        return noted;
    }

    /// <summary>The thread that did not stop; 0: none was noted.</summary>
    public static int Tid => s_noted._tid;

    /// <summary>Calls the host's print function, if it has one.</summary>
    public readonly void Print()
    {
        if (!HostPrint.IsSet || _obstacle == StopObstacle.None)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: "u8);
        switch (_obstacle)
        {
            case StopObstacle.ForeignProc:
                line.Add("cannot stop threads: /proc is not mounted, or shows another pid namespace; mount that of this one (unshare --mount-proc)"u8);
                break;
            case StopObstacle.SignalTaken:
                line.Add("cannot stop threads: FTRACE_STOP_SIGNAL must name a real-time signal (34 to 64) with its default action, or none"u8);
                break;
            case StopObstacle.Uncounted:
                line.Add("cannot stop threads: they start and end faster than they can be stopped; use a longer timeout"u8);
                break;
            default:
                AddThread(ref line);
                break;
        }

        line.Print();
    }

    /// <summary>Adds a thread's id, and its name if it has one.</summary>
    public static void AddName(ref ReportLine line, int tid)
    {
        line.Add(tid);
        byte* name = stackalloc byte[NameSize];
        int length = OwnTaskFile.NameOf(tid, name, NameSize);
        if (length > 0)
        {
            line.Add(" ("u8);
            line.Add(new ReadOnlySpan<byte>(name, length));
            line.Add(")"u8);
        }
    }

    private readonly void AddThread(ref ReportLine line)
    {
        line.Add("cannot stop thread "u8);
        AddName(ref line, _tid);
        if (_obstacle == StopObstacle.NoAnswer)
        {
            line.Add(": it did not stop in time; does it wait in vfork(), for a disk, or in a signal handler for another thread?"u8);
            return;
        }

        int tracer = OwnTaskFile.TracerOf(_tid);
        line.Add(": it does not take the library's signal, and ptrace(2) is denied"u8);
        if (tracer != 0)
        {
            line.Add(": process "u8);
            line.Add(tracer);
            line.Add(" traces it; detach the debugger"u8);
        }
        else if (Yama.Scope() is var scope and >= 2)
        {
            line.Add(": kernel.yama.ptrace_scope is "u8);
            line.Add(scope);
            line.Add("; set it to 1"u8);
        }
        else if (_error == -Errno.EOPNOTSUPP)
        {
            line.Add(": seizing needs Linux 4.16, or 5.16 under a seccomp filter"u8);
        }
        else if (_error == -Errno.EPERM)
        {
            line.Add(" (EPERM): is the process not dumpable (prctl(2), setuid), or under a seccomp filter? Otherwise unblock the signal"u8);
        }
        else
        {
            line.Add(", error "u8);
            line.Add(_error);
        }
    }
}
