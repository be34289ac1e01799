using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Attach;

/// <summary>Chooses a thread that a library can be opened on, and stops it.</summary>
/// <remarks>
/// dlopen(3) takes the locks of the loader and of the allocator. A thread that sleeps in one of some system calls has none of them
/// (<see cref="SleepingCall"/>), unless one of these two makes the call (<see cref="AllocatorCalls"/>). If none sleeps, one that runs is stopped at random, and taken if it executes neither libc nor an allocator, and the words on its
/// stack show that the loader does not relocate an object, and that it is in no signal handler.
/// </remarks>
internal sealed class ThreadSearch
{
    private const int LongestSearchMs = 5_000;
    private const int LongestStopMs = 1_000;
    private const uint PauseMicroseconds = 500;
    private const int SearchedStack = 64 << 10;
    private const int LoaderStack = 4 << 10;
    private const string OwnThreads = "ftrace-";

    private readonly TargetProcess _process;
    private readonly TargetMaps _maps;
    private readonly string _loader;
    private readonly TargetLibc _libc;
    private readonly Dictionary<string, bool> _lockFree = [];
    private readonly Dictionary<string, bool> _sanitizers = [];
    private readonly bool _force;
    private readonly Func<bool> _isInterrupted;
    private readonly Stopwatch _searched = Stopwatch.StartNew();

    private readonly AllocatorCalls _allocators;
    private readonly HashSet<int> _small = [];

    // Both before a thread is stopped.
    private readonly ulong _stackLimit;
    private readonly ulong[] _stack = new ulong[SearchedStack / sizeof(ulong)];

    private int _turn;

    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="loader">The name of its loader's file there.</param>
    /// <param name="libc">Its libc.</param>
    /// <param name="force">See <see cref="AttachOptions.Force"/>.</param>
    /// <param name="isInterrupted">True if the user wants no more.</param>
    public ThreadSearch(TargetProcess process, TargetMaps maps, string loader, TargetLibc libc, bool force, Func<bool> isInterrupted)
    {
        _process = process;
        _maps = maps;
        _loader = loader;
        _libc = libc;
        _force = force;
        _isInterrupted = isInterrupted;
        _stackLimit = TargetStack.LimitOf(process);
        _allocators = new AllocatorCalls(process, maps, loader);
    }

    /// <exception cref="AttachException">There is no such thread.</exception>
    public StoppedThread Find()
    {
        for (; ; )
        {
            List<int> threads = _process.ReadThreads();
            if (threads.Count == 0 || _process.Memory.IsGone)
            {
                throw _process.RefuseEnded();
            }

            StoppedThread? found = FindSleeping(threads) ?? FindRunning(threads);
            if (found != null)
            {
                return found;
            }

            if (_small.Count != 0 && _small.IsSupersetOf(threads))
            {
                throw TargetStack.Refuse(_process);
            }

            if (_isInterrupted())
            {
                throw _process.Refuse(AttachRefusal.Interrupted, "interrupted, and nothing was changed");
            }

            if (_searched.ElapsedMilliseconds > LongestSearchMs)
            {
                throw RefuseNoPlace();
            }

            Libc.Sleep(PauseMicroseconds);
        }
    }

    private AttachException RefuseNoPlace() => _process.Refuse(AttachRefusal.NoPlace,
        $"no thread came to a place where a library can be opened, for {LongestSearchMs / 1000} s; try again when it waits for something, or start it with: ftrace record");

    private StoppedThread? FindSleeping(List<int> threads)
    {
        foreach (int tid in threads)
        {
            if (_small.Contains(tid) || StateOf(tid) != 'S' || !IsInListedCall(tid) || IsOwn(tid))
            {
                continue;
            }

            StoppedThread? stopped = Stop(tid, AttachPath.Sleeping);
            if (stopped != null)
            {
                if (IsAsleep(stopped.Registers) && HasStack(stopped))
                {
                    return stopped;
                }

                stopped.Thread.Detach();
            }
        }

        return null;
    }

    private StoppedThread? FindRunning(List<int> threads)
    {
        for (int i = 0; i < threads.Count; i++)
        {
            int tid = threads[(i + _turn) % threads.Count];
            if (_small.Contains(tid) || StateOf(tid) != 'R' || IsOwn(tid))
            {
                continue;
            }

            _turn += i + 1;
            StoppedThread? stopped = Stop(tid, AttachPath.Running);
            if (stopped == null)
            {
                continue;
            }

            if (IsAtProvenPlace(stopped) && HasStack(stopped))
            {
                return stopped;
            }

            stopped.Thread.Detach();
        }

        return null;
    }

    private char StateOf(int tid)
    {
        string? text = _process.ReadThreadFile(tid, "stat");
        int end = text?.LastIndexOf(')') ?? -1;
        return end >= 0 && text!.Length > end + 2 ? text[end + 2] : 'X';
    }

    private bool IsOwn(int tid) => _process.ReadThreadFile(tid, "comm")?.StartsWith(OwnThreads, StringComparison.Ordinal) ?? true;

    /// <summary>A first look, at a thread that is not stopped. Without this file the thread has to be stopped to see it.</summary>
    private bool IsInListedCall(int tid) => _process.ReadThreadFile(tid, "syscall") is not string text
        || (SleepingCall.TryParse(text, out long number, out ulong second, out ulong third, out ulong instruction) && SleepingCall.IsListed(number, second, third) && !IsInLoader(instruction) && !IsInSanitizer(instruction));

    private bool HasStack(StoppedThread stopped)
    {
        // Both are of the same program if that is still there afterwards.
        TargetMaps maps = _process.ReadMaps();
        if (_process.Memory.IsGone)
        {
            stopped.Thread.Detach();
            throw _process.RefuseEnded();
        }

        bool isEnough = TargetStack.IsEnough(_process, maps, stopped.Registers, _stackLimit);
        if (!isEnough)
        {
            _small.Add(stopped.Thread.Tid);
        }

        return isEnough;
    }

    private bool IsInLoader(ulong address) => _maps.IsCodeOf(_loader, address);

    /// <summary>
    /// True if an address is in the runtime of ThreadSanitizer: threads of the program sleep in libc, and its own thread there. That one has no
    /// state of a thread, which the runtime's malloc needs.
    /// </summary>
    private bool IsInSanitizer(ulong address)
    {
        if (_maps.At(address) is not { IsExecutable: true } code || code.FileName.IsEmpty)
        {
            return false;
        }

        if (!_sanitizers.TryGetValue(code.Name, out bool isSanitizer))
        {
            isSanitizer = Exports(code, "__tsan_init");
            _sanitizers.Add(code.Name, isSanitizer);
        }

        return isSanitizer;
    }

    private bool Exports(Mapping code, string name) =>
        new TargetObject(_process.Memory, _maps.OfObject(mapping => mapping.Name == code.Name)[0].Start).Find(name) != 0;

    private bool IsAsleep(in Registers registers)
    {
        Span<byte> instruction = stackalloc byte[2];
        ReadOnlySpan<ulong> words = ReadStack(registers.Rsp);
        return !words.IsEmpty && !IsInHandler(words) && !_allocators.AreOn(words) && registers.OrigRax >= 0 && SleepingCall.IsListed(registers.OrigRax, registers.Rsi, registers.Rdx) && !IsInLoader(registers.Rip) && !IsInSanitizer(registers.Rip)
            && _process.Memory.TryRead(registers.Rip - 2, instruction) && instruction.SequenceEqual([(byte)0x0f, (byte)0x05]);
    }

    private bool IsAtProvenPlace(StoppedThread stopped)
    {
        Registers registers = stopped.Registers;
        if (registers.OrigRax >= 0 || registers.Cs != SignalFrame.UserCode || !IsLockFree(registers.Rip) || IsInRestartable(stopped))
        {
            return false;
        }

        ReadOnlySpan<ulong> words = ReadStack(registers.Rsp);
        return !words.IsEmpty && !IsInHandler(words) && !IsCalledByLoader(words[..Math.Min(words.Length, LoaderStack / sizeof(ulong))]);
    }

    /// <summary>
    /// True if an address is in code that has none of the locks: not that of the loader and of libc, nor that of an allocator, nor the library's own.
    /// </summary>
    private bool IsLockFree(ulong address)
    {
        if (_maps.At(address) is not { IsExecutable: true } code || code.FileName.IsEmpty)
        {
            return false;
        }

        if (!_lockFree.TryGetValue(code.Name, out bool isFree))
        {
            isFree = code.Name != _loader && !IsOfLibc(code.FileName) && !Exports(code, "malloc");
            _lockFree.Add(code.Name, isFree);
        }

        return isFree;
    }

    private static bool IsOfLibc(ReadOnlySpan<char> file) => file.StartsWith("libc.so") || file.StartsWith("libc-2.") || file.StartsWith("libpthread")
        || file.StartsWith("libdl") || file.StartsWith("librt") || file.StartsWith("libftrace.so");

    /// <summary>
    /// True if a call of the loader's may be on the stack, close to the top: one that chooses a function (STT_GNU_IFUNC), while an object is relocated. What it
    /// calls otherwise, constructors, may open libraries. Words that were left there by calls that have ended look the same.
    /// </summary>
    private bool IsCalledByLoader(ReadOnlySpan<ulong> words)
    {
        foreach (ulong word in words)
        {
            if (IsInLoader(word) && IsReturnAddress(word))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True if there is a call before it: <c>call rel32</c>, or one through a register or memory.</summary>
    private bool IsReturnAddress(ulong address)
    {
        Span<byte> before = stackalloc byte[7];
        if (!_process.Memory.TryRead(address - (ulong)before.Length, before))
        {
            return false;
        }

        bool isCall = before[2] == 0xe8;
        for (int at = 0; at < before.Length - 1; at++)
        {
            isCall |= before[at] == 0xff && (before[at + 1] & 0x38) == 0x10;
        }

        return isCall;
    }

    /// <summary>True if the thread is in a signal handler: what that has interrupted may have any lock.</summary>
    private bool IsInHandler(ReadOnlySpan<ulong> words)
    {
        for (int at = 0; at < words.Length; at++)
        {
            if (SignalFrame.MayBegin(words[(at + 1)..]) && IsRestorer(words[at]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True if this is what a signal handler returns to: that of libc, or of another library: before glibc 2.34 libpthread had one too.</summary>
    private bool IsRestorer(ulong address)
    {
        Span<byte> code = stackalloc byte[CodeSequences.LongestRestorer];
        return address == _libc.Codes.Restorer || (_process.Memory.TryRead(address, code) && CodeSequences.IsRestorer(code));
    }

    private ReadOnlySpan<ulong> ReadStack(ulong pointer)
    {
        int count = _stack.Length;
        while (count > 0 && !_process.Memory.TryRead(pointer, MemoryMarshal.AsBytes(_stack.AsSpan(0, count))))
        {
            count /= 2;
        }

        return _stack.AsSpan(0, count);
    }

    /// <summary>
    /// True if the thread is in a restartable sequence, rseq(2): the kernel would begin it again, but not know that any more when the thread
    /// has been elsewhere.
    /// </summary>
    private bool IsInRestartable(StoppedThread stopped)
    {
        const ulong CriticalOffset = 8; // rseq_cs
        ulong area = stopped.Thread.ReadRestartableArea();
        return area != 0 && _process.Memory.TryRead(area + CriticalOffset, out ulong critical) && critical != 0;
    }

    /// <returns>Null: it has ended, or stopped for another reason.</returns>
    private StoppedThread? Stop(int tid, AttachPath path)
    {
        StoppedThread? stopped = StopAndRepeat(tid, path);
        AttachSteps.MayInterrupt = false;
        return stopped;
    }

    private StoppedThread? StopAndRepeat(int tid, AttachPath path)
    {
        ProcessStatus? status = _process.ReadStatus(tid);
        if (status == null)
        {
            return null;
        }

        TargetChecks.CheckSeccomp(_process, status, _force);
        TracedThread? thread = TracedThread.Seize(tid);
        if (thread == null)
        {
            // The system does not let anybody trace a thread that is just ending either.
            return Libc.Errno == Libc.ESRCH || _process.ReadStatus(tid) is null or { HasEnded: true } ? null : throw Permission.Refuse(_process);
        }

        long start = Stopwatch.GetTimestamp();
        thread.Interrupt();
        AttachSteps.MayInterrupt = true;
        ThreadStop stop = thread.Wait(LongestStopMs);
        while (stop.IsSignal)
        {
            thread.Continue(stop.Signal);
            stop = thread.Wait(LongestStopMs);
        }

        if (stop.Kind == StopKind.Late)
        {
            throw RefuseNoPlace(); // it can only be left when it stops, or when this process ends
        }

        if (stop.Kind == StopKind.Ended || !thread.TryGetRegisters(out Registers registers))
        {
            return null;
        }

        var stopped = new StoppedThread(thread, registers, path, start);
        stopped.Repeat();
        AttachSteps.MayInterrupt = false;
        if (stop.IsGroupStop)
        {
            stopped.Thread.Detach();
            return null;
        }

        return stopped;
    }
}
