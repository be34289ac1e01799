using System;
using System.Buffers.Text;

namespace Ftrace.Linux;

/// <summary>The system call that a thread sleeps in, from /proc/self/task/TID/syscall: its number and its arguments.</summary>
/// <remarks>
/// Some calls replace the caller's signal mask while they wait: /proc shows the mask of the wait, and the thread's own mask is
/// restored when the call returns. Source: set_user_sigmask() in kernel/signal.c and its callers; do_sigtimedwait().
/// </remarks>
internal unsafe struct WaitingCall
{
    private const int Arguments = 6;
    private const int RtSigtimedwait = 128;
    private const int RtSigsuspend = 130;
    private const int Pselect6 = 270;
    private const int Ppoll = 271;
    private const int EpollPwait = 281;
    private const int IoPgetevents = 333;
    private const int IoUringEnter = 426;
    private const int EpollPwait2 = 441;

    private const ulong IoUringExtArg = 1 << 3;
    private const ulong IoUringExtArgReg = 1 << 6;

    private long _number;
    private fixed ulong _arguments[Arguments];

    /// <summary>The thread does not sleep: it runs, waits for a CPU, or is about to sleep or to return.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>False if the thread sleeps outside a system call, as in a page fault; or runs.</summary>
    public readonly bool IsInCall => !IsRunning && _number >= 0;

    /// <summary>
    /// Parses the file: "running", or the call's number, six arguments in hexadecimal, stack and instruction pointer. Number -1 without
    /// arguments: in no call.
    /// </summary>
    /// <returns>False if the text has another format.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out WaitingCall call)
    {
        call = default;
        if (text.StartsWith("running"u8))
        {
            call.IsRunning = true;
            return true;
        }

        if (!Utf8Parser.TryParse(text, out call._number, out int at))
        {
            return false;
        }

        for (int i = 0; i < Arguments && call._number >= 0; i++)
        {
            text = text[at..];
            if (!text.StartsWith(" 0x"u8) || !Utf8Parser.TryParse(text[3..], out call._arguments[i], out int digits, 'x'))
            {
                return false;
            }

            at = 3 + digits;
        }

        return true;
    }

    /// <summary>
    /// True if a signal that the mask in /proc shows as unblocked may be blocked when the call has returned. The thread must be asleep
    /// in the call before this reads its memory, which the arguments point to, and must be seen with the signal unblocked after that.
    /// </summary>
    public readonly bool MayHide(int signo)
    {
        // A null pointer replaces nothing: select() of the C library is pselect6 with one.
        switch (_number)
        {
            case RtSigsuspend:
                return true;
            case RtSigtimedwait: // unblocks the signals that it waits for, and no others
                return !TryRead(_arguments[0], out ulong waitedFor) || (waitedFor & SignalSet.Of(signo)) != 0;
            case Ppoll:
                return _arguments[3] != 0;
            case EpollPwait or EpollPwait2:
                return _arguments[4] != 0;
            case Pselect6 or IoPgetevents:
                return PointsToMask(_arguments[5]);
            case IoUringEnter:
                return HidesInIoUring();
            default:
                return false;
        }
    }

    private readonly bool HidesInIoUring()
    {
        if ((_arguments[3] & IoUringExtArgReg) != 0)
        {
            return true;
        }

        return (_arguments[3] & IoUringExtArg) != 0 ? PointsToMask(_arguments[4]) : _arguments[4] != 0;
    }

    /// <summary>True if the thread waits for signals with sigwait() or the like, and this is one of them: the host would receive it.</summary>
    public readonly bool Awaits(int signo) => _number == RtSigtimedwait && MayHide(signo);

    /// <summary>True if a structure begins with a pointer to a mask, or cannot be read.</summary>
    private static bool PointsToMask(ulong address) => address != 0 && (!TryRead(address, out ulong mask) || mask != 0);

    private static bool TryRead(ulong address, out ulong word)
    {
        ulong value;
        var local = new Iovec { Base = (ulong)(&value), Length = sizeof(ulong) };
        var remote = new Iovec { Base = address, Length = sizeof(ulong) };
        nint self = Native.Syscall(SyscallNumber.Gettid); // not the process: its main thread may have ended
        bool read = Native.Syscall(SyscallNumber.ProcessVmReadv, self, (nint)(&local), 1, (nint)(&remote), 1) == sizeof(ulong);
        word = read ? value : 0;
        return read;
    }
}
