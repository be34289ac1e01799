using System;
using System.Globalization;

namespace Ftrace.Tool.Attach;

/// <summary>How much stack a thread has left.</summary>
internal static class TargetStack
{
    /// <summary>What opening the library and starting its agent takes, and as much again.</summary>
    public const ulong Needed = 160 << 10;

    /// <summary>The most that <see cref="CallLayout"/> writes.</summary>
    private const ulong Written = ExtendedState.MaxSize + (8 << 10);

    private const ulong GuardGap = 256 << 12; // stack_guard_gap: the system keeps it free below a stack that grows
    private const string MainStack = "[stack]";

    /// <summary>True if that is enough, and what is written before the first call is in memory that is mapped.</summary>
    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="registers">Of a thread that is stopped.</param>
    /// <param name="limit"><see cref="LimitOf"/></param>
    public static bool IsEnough(TargetProcess process, TargetMaps maps, in Registers registers, ulong limit)
    {
        ulong pointer = registers.Rsp;
        ulong left = Left(maps, pointer, registers.FsBase, limit);
        return left >= Needed && maps.At(pointer - Written) is { IsWritable: true };
    }

    /// <summary>RLIMIT_STACK of a process.</summary>
    public static ulong LimitOf(TargetProcess process) => StackLimitIn(process.ReadThreadFile(process.Pid, "limits") ?? "");

    public static AttachException Refuse(TargetProcess process) => process.Refuse(AttachRefusal.SmallStack,
        $"no thread that can be used has {Needed >> 10} KB of its stack left; give it larger stacks, or start it with: ftrace record");

    /// <summary>
    /// How much is left of a stack whose bounds are known: that of the main thread, or one that glibc has made: the thread's control block is at its top, and a
    /// guard below it. Of others (coroutines, goroutines) it is not known; they are in the midst of other memory.
    /// </summary>
    /// <param name="maps">Of the process.</param>
    /// <param name="pointer">A stack pointer.</param>
    /// <param name="control">The address of the thread's control block: the base of fs.</param>
    /// <param name="limit">RLIMIT_STACK.</param>
    public static ulong Left(TargetMaps maps, ulong pointer, ulong control, ulong limit)
    {
        if (maps.At(pointer) is not { IsWritable: true } stack)
        {
            return 0;
        }

        ulong low = stack.Start;
        if (stack.Name == MainStack)
        {
            // It grows, down to the limit, or to what is mapped below.
            ulong byLimit = stack.End > limit ? stack.End - limit : 0;
            ulong byNeighbour = maps.EndBelow(pointer) + GuardGap;
            return pointer - Math.Min(low, Math.Max(byLimit, byNeighbour));
        }

        bool isOwn = stack.Contains(control) && control > pointer && maps.At(stack.Start - 1) is { IsReadable: false };
        return isOwn ? pointer - low : 0;
    }

    /// <param name="text">Of <c>/proc/PID/limits</c>.</param>
    public static ulong StackLimitIn(string text)
    {
        const string Key = "Max stack size";

        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(Key, StringComparison.Ordinal))
            {
                string[] words = line[Key.Length..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                return words.Length > 0 && ulong.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong limit) ? limit : ulong.MaxValue;
            }
        }

        return 0;
    }
}
