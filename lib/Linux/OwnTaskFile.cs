using System;

namespace Ftrace.Linux;

/// <summary>Reads files of /proc about one thread: into memory of the caller's, without the stop mutex.</summary>
internal static unsafe class OwnTaskFile
{
    private const int Start = 1024; // TracerPid is among the first lines

    /// <summary>Reads the thread's name.</summary>
    /// <returns>Its length; 0 if the thread has ended.</returns>
    public static int NameOf(int tid, byte* buffer, int size)
    {
        int bytes = Math.Max(TaskFiles.ReadFile(tid, "/comm\0"u8, buffer, size), 0);
        int end = new ReadOnlySpan<byte>(buffer, bytes).IndexOf((byte)'\n');
        return end >= 0 ? end : bytes;
    }

    /// <summary>True if the thread runs, or waits for a CPU. False if this is not known.</summary>
    public static bool IsRunnable(int tid)
    {
        byte* buffer = stackalloc byte[Start];
        int bytes = TaskFiles.ReadFile(tid, "/status\0"u8, buffer, Start);
        return bytes > 0 && TaskStat.IsRunnable(new ReadOnlySpan<byte>(buffer, bytes));
    }

    /// <summary>The process that traces the thread; 0: none, or this is not known.</summary>
    public static int TracerOf(int tid)
    {
        byte* buffer = stackalloc byte[Start];
        int bytes = TaskFiles.ReadFile(tid, "/status\0"u8, buffer, Start);
        return bytes > 0 ? (int)TaskStat.TracerOf(new ReadOnlySpan<byte>(buffer, bytes)) : 0;
    }
}
