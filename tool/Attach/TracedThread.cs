using System;
using System.Diagnostics;

namespace Ftrace.Tool.Attach;

/// <summary>A thread that this one traces with ptrace(2). If this process ends, the thread resumes. All calls come from one thread.</summary>
internal sealed unsafe class TracedThread
{
    private const nint GetRegistersRequest = 12;
    private const nint SetRegistersRequest = 13;
    private const nint ContinueRequest = 7;
    private const nint DetachRequest = 17;
    private const nint GetRegisterSetRequest = 0x4204;
    private const nint SetRegisterSetRequest = 0x4205;
    private const nint SeizeRequest = 0x4206;
    private const nint InterruptRequest = 0x4207;
    private const nint GetMaskRequest = 0x420a;
    private const nint SetMaskRequest = 0x420b;
    private const nint GetRestartableRequest = 0x420f;
    private const nint ExtendedStateSet = 0x202; // NT_X86_XSTATE

    private const uint PauseMicroseconds = 10;

    private TracedThread(int tid) => Tid = tid;

    public int Tid { get; }

    /// <summary>False once it was detached from, or has ended.</summary>
    public bool IsTraced { get; private set; } = true;

    /// <summary>Makes this thread its tracer, without stopping it; without PTRACE_O_EXITKILL, of course.</summary>
    /// <returns>Null: see errno.</returns>
    public static TracedThread? Seize(int tid) => Ask(SeizeRequest, tid, 0, 0) == 0 ? new TracedThread(tid) : null;

    /// <summary>Asks it to stop: <see cref="Wait"/> reports when it has.</summary>
    public bool Interrupt() => Request(InterruptRequest, 0, 0) == 0;

    public bool Continue(int signal = 0) => Request(ContinueRequest, 0, signal) == 0;

    /// <summary>Resumes it, when it is stopped, and leaves it.</summary>
    public void Detach(int signal = 0)
    {
        if (IsTraced)
        {
            Request(DetachRequest, 0, signal);
            IsTraced = false;
        }
    }

    /// <summary>Waits until it stops or ends.</summary>
    public ThreadStop Wait(int milliseconds)
    {
        // It sleeps, and does not spin: with one CPU for all, the thread needs it.
        long start = Stopwatch.GetTimestamp();
        for (; ; )
        {
            int status;
            int got = Libc.WaitFor(Tid, &status, Libc.WaitAll | Libc.WaitNoHang);
            if (got == Tid)
            {
                bool isStopped = (status & 0xff) == 0x7f;
                IsTraced = isStopped;
                return isStopped ? new ThreadStop(StopKind.Stopped, status >> 8 & 0xff, status >> 16) : new ThreadStop(StopKind.Ended, 0, 0);
            }

            if (got < 0 && Libc.Errno != Libc.EINTR)
            {
                IsTraced = false;
                return new ThreadStop(StopKind.Ended, 0, 0);
            }

            if (Stopwatch.GetElapsedTime(start).TotalMilliseconds > milliseconds)
            {
                return new ThreadStop(StopKind.Late, 0, 0);
            }

            Libc.Sleep(PauseMicroseconds);
        }
    }

    public bool TryGetRegisters(out Registers registers)
    {
        Registers read;
        bool isRead = Request(GetRegistersRequest, 0, (nint)(&read)) == 0;
        registers = read;
        return isRead;
    }

    public bool TrySetRegisters(in Registers registers)
    {
        fixed (Registers* written = &registers)
        {
            return Request(SetRegistersRequest, 0, (nint)written) == 0;
        }
    }

    /// <summary>The signals that it blocks; in a call that replaces its mask, those before the call.</summary>
    public bool TryGetMask(out ulong mask)
    {
        ulong read = 0;
        bool isRead = Request(GetMaskRequest, sizeof(ulong), (nint)(&read)) == 0;
        mask = read;
        return isRead;
    }

    public bool TrySetMask(ulong mask) => Request(SetMaskRequest, sizeof(ulong), (nint)(&mask)) == 0;

    /// <returns>Null: it cannot be read.</returns>
    public byte[]? ReadExtendedState()
    {
        byte[] state = new byte[ExtendedState.MaxSize];
        fixed (byte* start = state)
        {
            var vector = new IoVector { Base = start, Length = (nuint)state.Length };
            return Request(GetRegisterSetRequest, ExtendedStateSet, (nint)(&vector)) == 0 ? state[..(int)vector.Length] : null;
        }
    }

    public bool TryWriteExtendedState(ReadOnlySpan<byte> state)
    {
        fixed (byte* start = state)
        {
            var vector = new IoVector { Base = start, Length = (nuint)state.Length };
            return Request(SetRegisterSetRequest, ExtendedStateSet, (nint)(&vector)) == 0;
        }
    }

    /// <summary>The address of its <c>struct rseq</c>; 0: it has none, or the system does not tell.</summary>
    public ulong ReadRestartableArea()
    {
        ulong* configuration = stackalloc ulong[3];
        return Request(GetRestartableRequest, 3 * sizeof(ulong), (nint)configuration) > 0 ? configuration[0] : 0;
    }

    private nint Request(nint request, nint address, nint data) => Ask(request, Tid, address, data);

    private static nint Ask(nint request, int tid, nint address, nint data)
    {
        AttachSteps.Take();
        return Libc.Trace(request, tid, address, data);
    }
}
