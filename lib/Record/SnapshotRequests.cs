using System;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>Snapshots that a signal or a trigger has asked for: the keeper writes them to FILE.1, FILE.2 and so on.</summary>
internal static unsafe class SnapshotRequests
{
    private const int LongestPath = 4096;
    private const int LongestNumber = 12;
    private const int MostTries = 10_000;
    private const int LineSize = 400;

    private static byte* s_path;
    private static int s_length;
    private static uint s_done;
    private static uint s_turnedOn;
    private static int s_number;

    private static ReadOnlySpan<byte> DefaultName => "ftrace.data\0"u8;

    /// <summary>A recording begins. The name is made now: the host may change its directory.</summary>
    /// <param name="path">Of its file; "fd:N" has no name.</param>
    /// <param name="named">Instead of that; null: there is none.</param>
    /// <returns>0, -ENOMEM, or -ENAMETOOLONG.</returns>
    public static int Reset(byte* path, byte* named)
    {
        s_path = s_path != null ? s_path : (byte*)Memory.Map(LongestPath + LongestNumber);
        s_done = Volatile.Read(ref RecorderWords.Shared->Snapshots);
        s_turnedOn = Volatile.Read(ref RecorderWords.Shared->TurnOns);
        s_number = 0;
        s_length = 0;
        if (s_path == null)
        {
            return -Errno.ENOMEM;
        }

        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path);
        if (TraceFilePath.IsDescriptor(path))
        {
            name = named != null ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(named) : DefaultName[..^1];
        }

        if (name[0] != '/')
        {
            nint length = Native.Syscall(SyscallNumber.Getcwd, (nint)s_path, LongestPath);
            s_length = length > 1 ? (int)length : 1;
            s_path[s_length - 1] = (byte)'/';
        }

        if (s_length + name.Length > LongestPath)
        {
            return -Errno.ENAMETOOLONG;
        }

        name.CopyTo(new Span<byte>(s_path + s_length, name.Length));
        s_length += name.Length;
        return 0;
    }

    /// <summary>Takes a snapshot, if it was asked for one; or switches recording on, if a trigger was to and could not. Called by the keeper.</summary>
    /// <returns>False if it is to be called again soon.</returns>
    public static bool Work()
    {
        uint asked = Volatile.Read(ref RecorderWords.Shared->Snapshots);
        uint turnedOn = Volatile.Read(ref RecorderWords.Shared->TurnOns);
        if (asked == s_done && turnedOn == s_turnedOn)
        {
            return true;
        }

        // Who stops the recording holds the mutex, and waits for the keeper.
        if (!FutexMutex.TryLock(&RecorderState.Shared->Mutex))
        {
            return false;
        }

        if (turnedOn != s_turnedOn)
        {
            s_turnedOn = turnedOn;
            Recorder.SwitchOn();
        }

        if (asked != s_done)
        {
            s_done = asked;
            Take();
        }

        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return true;
    }

    private static void Take()
    {
        uint cause = Volatile.Read(ref RecorderWords.Shared->Cause);
        ReadOnlySpan<byte> text = cause == 0 ? "signal"u8 : Triggers.TextOf((int)cause - 1);
        int error = -Errno.EEXIST;
        for (int tried = 0; tried < MostTries && error == -Errno.EEXIST; tried++)
        {
            s_path[s_length] = (byte)'.';
            Utf8Formatter.TryFormat(++s_number, new Span<byte>(s_path + s_length + 1, LongestNumber - 2), out int digits);
            s_path[s_length + 1 + digits] = 0;
            error = Snapshot.Take(s_path, text);
        }

        if (error != 0)
        {
            Report(error);
        }
    }

    private static void Report(int error)
    {
        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: no snapshot was written to "u8);
        line.Add(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(s_path));
        line.Add(": "u8);
        line.Add(ReasonOf(error));
        line.Add("errno "u8);
        line.Add(-error);
        RecorderReport.Print(ref line);
    }

    private static ReadOnlySpan<byte> ReasonOf(int error) => error switch
    {
        -Errno.EOPNOTSUPP => "a recording that is streamed has all events in its file; "u8,
        -Errno.ENOMEM => "the recording's file has no room for other buffers, raise its greatest size; "u8,
        -Errno.ENOSPC => "no space is left; "u8,
        -Errno.EACCES => "permission denied; "u8,
        _ => default,
    };
}
