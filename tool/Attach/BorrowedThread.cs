using System;
using System.Collections.Generic;
using System.Diagnostics;

namespace Ftrace.Tool.Attach;

/// <summary>
/// A stopped thread that calls functions for this process, on its own stack, with all signals blocked; then it goes on where it was.
/// At any instant this process may be killed: the thread finishes the call, and goes on by itself (<see cref="CallLayout"/>).
/// </summary>
internal sealed class BorrowedThread
{
    private const int LongestStopMs = 1_000;
    private const long Interrupted = -4; // EINTR
    private const ulong LongestSystemCallFunction = 64;

    // Ignored if nobody traces the thread and there is no handler.
    private static readonly int[] s_stopSignals = [SignalNumber.Urg, SignalNumber.Winch, SignalNumber.Chld, SignalNumber.Cont];

    private readonly TargetProcess _process;
    private readonly StoppedThread _stopped;
    private readonly TracedThread _thread;
    private readonly CallLayout _layout;
    private readonly CodeSequences _codes;
    private readonly ulong _mask;
    private readonly ulong _caught;
    private readonly byte[] _extended;
    private readonly byte[] _initial;
    private readonly int _innerPid;
    private readonly int _innerTid;
    private readonly int _signal;
    private readonly List<int> _held = [];

    private bool _isWritten;
    private ulong _errnoAddress;
    private int _errno;

    /// <param name="process">The process.</param>
    /// <param name="stopped">The thread; it goes on if this fails.</param>
    /// <param name="codes">What calls return to.</param>
    /// <exception cref="AttachException">It cannot be borrowed.</exception>
    public BorrowedThread(TargetProcess process, StoppedThread stopped, CodeSequences codes)
    {
        _process = process;
        _stopped = stopped;
        _thread = stopped.Thread;
        _codes = codes;
        ProcessStatus? status = process.ReadStatus(_thread.Tid);
        byte[]? extended = _thread.ReadExtendedState();
        if (status == null || !_thread.TryGetMask(out _mask) || extended == null)
        {
            stopped.Thread.Detach();
            throw process.Exists && !process.Memory.IsGone
                ? process.Refuse(AttachRefusal.OtherMachine, "the extended state of a thread cannot be read")
                : process.RefuseEnded();
        }

        _extended = extended;
        _initial = (byte[])extended.Clone();
        ExtendedState.Initialize(_initial);
        _caught = status.Caught;
        _innerTid = status.InnerId;
        _innerPid = status.InnerProcessId;
        _signal = Array.Find(s_stopSignals, signal => !SignalNumber.IsIn(_caught | _mask, signal));
        _signal = _signal != 0 ? _signal : SignalNumber.Urg;
        _layout = new CallLayout(CallLayout.Restarted(stopped.Registers), _mask, extended, codes, ~SignalNumber.Synchronous);
    }

    /// <summary>Where two descriptors can be stored.</summary>
    public ulong Pair => _layout.Pair;

    /// <summary>Finds out errno, so that it is as before afterwards. Before all other calls.</summary>
    /// <param name="libc">The libc there.</param>
    public void SaveErrno(TargetLibc libc)
    {
        ulong address = libc.ErrnoOffset is ulong offset ? _stopped.Registers.FsBase + offset : Call(libc.ErrnoLocation, LongestStopMs);
        if (!_process.Memory.TryRead(address, out int value))
        {
            throw Fail(AttachRefusal.Fault, "its errno cannot be read");
        }

        (ulong at, byte[] bytes) = _layout.SetErrno(address, value);
        if (_isWritten)
        {
            Write(at, bytes);
        }

        _errnoAddress = address;
        _errno = value;
    }

    /// <summary>Writes a text for the next call.</summary>
    /// <returns>Its address.</returns>
    public ulong WriteText(string text)
    {
        byte[] bytes = CallLayout.TextBytes(text);
        if (bytes.Length > CallLayout.LongestText)
        {
            throw Fail(AttachRefusal.NotVisible, "the path of the library is too long");
        }

        WriteLayout();
        Write(_layout.Text, bytes);
        return _layout.Text;
    }

    /// <summary>Makes a system call there.</summary>
    /// <returns>Its result, or -errno.</returns>
    public long SystemCall(int number, int milliseconds, params ReadOnlySpan<ulong> arguments) => (long)Run(_layout.CallOf(_codes.SystemCall, (ulong)number, arguments), milliseconds);

    /// <summary>Calls a function there.</summary>
    public ulong Call(ulong function, int milliseconds, params ReadOnlySpan<ulong> arguments) => Run(_layout.CallOf(function, 0, arguments), milliseconds);

    /// <summary>Lets the thread go on where it was.</summary>
    /// <returns>How long it has stood still.</returns>
    public TimeSpan Release()
    {
        if (!_thread.IsTraced)
        {
            return Stopwatch.GetElapsedTime(_stopped.Start);
        }

        // The registers are the last: before that the thread would go on through the frames.
        if (_isWritten)
        {
            _thread.TrySetMask(_mask);
            _thread.TryWriteExtendedState(_extended);
            if (_errnoAddress != 0)
            {
                _process.Memory.TryWrite(_errnoAddress, BitConverter.GetBytes(_errno));
            }

            _thread.TrySetRegisters(FinalRegisters());
            _thread.Detach();
        }
        else
        {
            _thread.Detach();
        }

        TimeSpan stood = Stopwatch.GetElapsedTime(_stopped.Start);
        foreach (int signal in _held)
        {
            Libc.Kill(_process.Pid, signal);
        }

        return stood;
    }

    /// <summary>As it was: the kernel restarts the call that it was in, with what is left of its time. Calls that return EINTR it does not restart.</summary>
    private Registers FinalRegisters()
    {
        Registers registers = _stopped.Registers;
        if (registers.OrigRax < 0 || (long)registers.Rax != Interrupted)
        {
            return registers;
        }

        ulong pending = _process.ReadStatus(_thread.Tid)?.Pending ?? 0;
        bool isDue = (pending & ~_mask & _caught) != 0; // a handler will run: EINTR it is
        return isDue ? registers : CallLayout.Restarted(registers);
    }

    private ulong Run(in Registers registers, int milliseconds)
    {
        WriteLayout();
        _layout.SetCall(_innerPid, _innerTid, _signal);
        Write(_layout.Entry, _layout.CallImage);
        Write(_layout.Context, _layout.ContextImage);

        // From the first of these on the thread would make the call, and go on, without this process.
        if (!_thread.TrySetRegisters(registers) || !_thread.TrySetMask(~SignalNumber.Synchronous) || !_thread.TryWriteExtendedState(_initial) || !_thread.Continue())
        {
            throw _process.RefuseEnded();
        }

        AwaitReturn(milliseconds);
        return _process.Memory.TryRead(_layout.Result, out ulong result) ? result : throw Fail(AttachRefusal.Fault, "the result of a call cannot be read");
    }

    private void AwaitReturn(int milliseconds)
    {
        for (; ; )
        {
            ThreadStop stop = _thread.Wait(milliseconds);
            if (stop.Kind == StopKind.Ended)
            {
                throw _process.RefuseEnded();
            }

            if (stop.Kind == StopKind.Late)
            {
                throw Leave(milliseconds);
            }

            int signal = stop.IsSignal ? stop.Signal : 0;
            if (signal == _signal && _thread.TryGetRegisters(out Registers registers) && IsAfterCall(registers))
            {
                return;
            }

            bool isTrapOfOthers = signal == SignalNumber.Trap && SignalNumber.IsIn(_caught, signal);
            if (signal != 0 && !isTrapOfOthers)
            {
                if (signal == SignalNumber.Abrt || SignalNumber.IsIn(SignalNumber.Synchronous, signal))
                {
                    throw RefuseFault(signal);
                }

                Hold(signal);
            }

            _thread.Continue(isTrapOfOthers ? signal : 0);
        }
    }

    /// <summary>In syscall(3), which the context A continues with.</summary>
    private bool IsAfterCall(in Registers registers) =>
        registers.Rsp == _layout.StopPointer && registers.Rip - _codes.SystemCallFunction < LongestSystemCallFunction;

    /// <summary>It is sent again when the thread has gone on.</summary>
    private void Hold(int signal)
    {
        if (!_held.Contains(signal))
        {
            _held.Add(signal);
        }
    }

    private AttachException RefuseFault(int signal) => signal == SignalNumber.Sys
        ? Fail(AttachRefusal.Seccomp, "its seccomp filter forbids a system call that opening the library needs; start it with: ftrace record")
        : Fail(AttachRefusal.Fault, $"a call in it has failed ({SignalNumber.NameOf(signal)}), and was undone; it may hang when it opens a library itself, so restart it");

    /// <summary>The call does not return: the thread finishes it, and goes on, through the frames.</summary>
    private AttachException Leave(int milliseconds)
    {
        _thread.Interrupt();
        ThreadStop stop = _thread.Wait(LongestStopMs);
        if (stop.Kind == StopKind.Stopped)
        {
            _thread.Detach(stop.IsSignal ? stop.Signal : 0);
        }

        return _process.Refuse(AttachRefusal.NoReturn, $"a call in it has not returned for {milliseconds / 1000} s: is another thread opening a library? thread {_thread.Tid} goes on when it returns");
    }

    private AttachException Fail(AttachRefusal refusal, string why)
    {
        Release();
        return _process.Memory.IsGone ? _process.RefuseEnded() : _process.Refuse(refusal, why);
    }

    private void WriteLayout()
    {
        if (!_isWritten)
        {
            _layout.SetCall(_innerPid, _innerTid, _signal);
            Write(_layout.Entry, _layout.Image);
            _isWritten = true;
        }
    }

    private void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!_process.Memory.TryWrite(address, bytes))
        {
            throw _process.Exists ? Fail(AttachRefusal.SmallStack, "the stack of the thread cannot be written to") : _process.RefuseEnded();
        }
    }
}
