using System;
using System.Buffers.Text;

namespace Ftrace.Linux;

/// <summary>Parses files of proc(5) about one thread.</summary>
internal static class TaskStat
{
    // include/linux/sched.h
    private const uint IoWorker = 0x10;
    private const uint UserWorker = 0x4000;

    /// <summary>Fields between the state and the flags: ppid, pgrp, session, tty_nr, tpgid.</summary>
    private const int FieldsBeforeFlags = 6;

    /// <summary>From /proc/PID/task/TID/stat: the state follows the name's last parenthesis.</summary>
    public static TaskKind KindOf(ReadOnlySpan<byte> stat)
    {
        int close = stat.LastIndexOf((byte)')');
        if (close < 0 || close + 2 >= stat.Length || stat[close + 1] != ' ')
        {
            return TaskKind.Unknown;
        }

        ReadOnlySpan<byte> rest = stat[(close + 2)..];
        if (rest[0] is (byte)'Z' or (byte)'X')
        {
            return TaskKind.Ended;
        }

        for (int i = 0; i < FieldsBeforeFlags; i++)
        {
            int space = rest.IndexOf((byte)' ');
            if (space < 0)
            {
                return TaskKind.Unknown;
            }

            rest = rest[(space + 1)..];
        }

        if (!Utf8Parser.TryParse(rest, out uint flags, out _))
        {
            return TaskKind.Unknown;
        }

        return (flags & (IoWorker | UserWorker)) != 0 ? TaskKind.KernelWorker : TaskKind.Thread;
    }

    /// <summary>From /proc/PID/task/TID/status: the signals that are pending for this thread.</summary>
    public static ulong PendingOf(ReadOnlySpan<byte> status) => ValueOf(status, "\nSigPnd:\t"u8, 'x');

    /// <summary>From the same: the signals that this thread has blocked, and the number of its voluntary context switches.</summary>
    /// <returns>False if one of them is not there.</returns>
    public static bool TryMaskOf(ReadOnlySpan<byte> status, out ulong blocked, out ulong sleeps)
    {
        sleeps = 0;
        return TryValueOf(status, "\nSigBlk:\t"u8, 'x', out blocked)
            && TryValueOf(status, "\nvoluntary_ctxt_switches:\t"u8, 'D', out sleeps);
    }

    /// <summary>From the same: the id of the process that traces this thread; 0: none.</summary>
    public static ulong TracerOf(ReadOnlySpan<byte> status) => ValueOf(status, "\nTracerPid:\t"u8, 'D');

    /// <summary>From the same: 2 if system calls are filtered by seccomp(2).</summary>
    public static ulong SeccompOf(ReadOnlySpan<byte> status) => ValueOf(status, "\nSeccomp:\t"u8, 'D');

    /// <summary>From the same: the thread sleeps, in a system call.</summary>
    public static bool IsAsleep(ReadOnlySpan<byte> status) => StateOf(status) == 'S';

    /// <summary>From the same: the thread has ended.</summary>
    public static bool HasEnded(ReadOnlySpan<byte> status) => StateOf(status) is 'Z' or 'X';

    /// <summary>From the same: the thread is in uninterruptible sleep, or is stopped.</summary>
    public static bool IsStuck(ReadOnlySpan<byte> status) => StateOf(status) is 'D' or 't' or 'T';

    /// <summary>From the same: the thread runs, or waits for a CPU.</summary>
    public static bool IsRunnable(ReadOnlySpan<byte> status) => StateOf(status) == 'R';

    private static char StateOf(ReadOnlySpan<byte> status)
    {
        ReadOnlySpan<byte> key = "\nState:\t"u8;
        int at = status.IndexOf(key);
        return at >= 0 && at + key.Length < status.Length ? (char)status[at + key.Length] : '?';
    }

    private static ulong ValueOf(ReadOnlySpan<byte> status, ReadOnlySpan<byte> key, char format) =>
        TryValueOf(status, key, format, out ulong value) ? value : 0;

    private static bool TryValueOf(ReadOnlySpan<byte> status, ReadOnlySpan<byte> key, char format, out ulong value)
    {
        value = 0;
        int at = status.IndexOf(key);
        return at >= 0 && Utf8Parser.TryParse(status[(at + key.Length)..], out value, out _, format);
    }
}
