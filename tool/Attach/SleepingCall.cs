using System;
using System.Globalization;

namespace Ftrace.Tool.Attach;

/// <summary>The system calls in which a thread can be borrowed: nobody makes them with a lock of the allocator's or the loader's.</summary>
internal static class SleepingCall
{
    private const long Futex = 202;
    private const ulong FutexCommand = 0x7f; // without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME
    private const ulong FutexWaitBitset = 9; // of conditions, semaphores and joins; that of locks is FUTEX_WAIT
    private const ulong FutexWait = 0; // of conditions too, before glibc 2.34: with the value 0, which that of a lock never is

    /// <param name="number">Of the call.</param>
    /// <param name="second">Its second argument.</param>
    /// <param name="third">The third.</param>
    public static bool IsListed(long number, ulong second, ulong third) => number switch
    {
        0 or 19 => true, // read, readv
        45 or 47 or 299 => true, // recvfrom, recvmsg, recvmmsg
        43 or 288 => true, // accept, accept4
        7 or 271 or 23 or 270 => true, // poll, ppoll, select, pselect6
        232 or 281 or 441 => true, // epoll_wait, epoll_pwait, epoll_pwait2
        35 or 230 => true, // nanosleep, clock_nanosleep
        34 or 130 or 128 => true, // pause, rt_sigsuspend, rt_sigtimedwait
        61 or 247 => true, // wait4, waitid
        219 => true, // restart_syscall: one that was interrupted before, with a timeout, which calls for these locks do not have
        Futex => (second & FutexCommand) == FutexWaitBitset || ((second & FutexCommand) == FutexWait && (uint)third == 0),
        _ => false,
    };

    /// <summary>True if such a call, which was interrupted before it did anything, and returns EINTR, can be made again.</summary>
    public static bool CanRepeat(long number, ulong second, ulong third) => IsListed(number, second, third) || number is
        1 or 20 or 44 or 46 or 307 // write, writev, sendto, sendmsg, sendmmsg
        or 65 or 220 or 69 or 70 // semop, semtimedop, msgsnd, msgrcv
        or 208 or 333; // io_getevents, io_pgetevents

    /// <summary>Parses <c>/proc/PID/task/TID/syscall</c>: the number, six arguments, the stack pointer, the instruction pointer.</summary>
    /// <returns>False if the thread is not in a system call.</returns>
    public static bool TryParse(string text, out long number, out ulong second, out ulong third, out ulong instruction)
    {
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        number = -1;
        second = 0;
        third = 0;
        instruction = 0;
        return words.Length == 9 && long.TryParse(words[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) && number >= 0
            && TryParseHex(words[2], out second) && TryParseHex(words[3], out third) && TryParseHex(words[8], out instruction);
    }

    private static bool TryParseHex(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        return text.StartsWith("0x") && ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
