using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.JumpLabel;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Stop;
using Ftrace.Trace;

namespace Ftrace.Record;

/// <summary>Starts and stops recording: ftrace/tracing.h. What is recorded, and how, is in Native/recorder.c and Native/graph_entry.S.</summary>
internal static unsafe class Recorder
{
    private const uint BlockSize = 32 << 10;
    private const uint MostBlocks = 2048; // Native/recorder.c
    private const uint DefaultBuffer = 1 << 20;
    private const uint DefaultStreamBuffer = 4 << 20;
    private const uint FewestBlocks = 4;
    private const nuint LargestBuffer = MostBlocks * BlockSize;
    private const ulong DefaultMaxSize = 1 << 30;
    private const uint StackTimeoutMs = 1000;
    private const ulong OpsFlags = FtraceOps.NoVectors | FtraceOps.SkipForeign | FtraceOps.Pending;

    private static bool s_isRunning;

    /// <summary>Where a start has failed, see <see cref="RecordStart"/>.</summary>
    private static uint s_stage;

    private static ReadOnlySpan<byte> DefaultPath => "ftrace.data\0"u8;

    private static FtraceGraphOps* GraphOps => (FtraceGraphOps*)Native.Table->RecorderGraphOps;

    /// <param name="options">Checked but for the patterns.</param>
    /// <param name="start">What else is to be known of it; receives where it has failed.</param>
    /// <returns>0 or -errno; then nothing has changed.</returns>
    public static int Start(in TracingOptions options, ref RecordStart start)
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        s_stage = 0;
        int error = s_isRunning ? -Errno.EBUSY : StartLocked(options, start);
        start.Stage = s_stage;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    private static int StartLocked(in TracingOptions options, in RecordStart start)
    {
        fixed (byte* fallback = DefaultPath)
        {
            byte* path = options.Path != null ? options.Path : fallback;
            ulong maxSize = options.MaxSize != 0 ? options.MaxSize : DefaultMaxSize;
            s_stage = Offsets.RecordStart_InFile;
            int error = SnapshotRequests.Reset(path, start.ChildBase);
            error = error != 0 ? error : RingPool.Reserve(BlocksOf(options));
            error = error != 0 ? error : EventStream.Reset((options.Flags & TracingOptions.Stream) != 0);
            error = error != 0 ? error : SnapshotSignal.Take(options.SnapshotSignal);
            if (error != 0)
            {
                return error;
            }

            error = OpenFile(path, maxSize);
            if (error != 0)
            {
                SnapshotSignal.GiveBack();
                return error;
            }

            error = RingPool.Add(RingPool.Spare);
            error = error != 0 ? error : Register(options);
            error = error != 0 ? error : StartSampler(options);
            error = error != 0 ? error : StartTriggers(start);
            error = error != 0 ? error : StartKeeper();
            if (error != 0)
            {
                SnapshotSignal.GiveBack();
                RecorderWords.Shared->Header->Magic = 0;
                RecordFile.Discard(path);
                Finish();
                return error;
            }

            RecordedOptions.Write(options, RecorderWords.Shared->Header->Start, start.Children != 0);
            s_isRunning = true;
            return 0;
        }
    }

    /// <summary>After the stop, if there was one, which has chosen its signal.</summary>
    private static int StartSampler(in TracingOptions options)
    {
        int error = Sampler.Start(options.Hz);
        if (error != 0)
        {
            Run(TraceOperation.Unregister);
        }

        return error;
    }

    private static int StartTriggers(in RecordStart start)
    {
        if (start.Trigger == null)
        {
            return 0;
        }

        s_stage = Offsets.RecordStart_InTrigger;
        int error = Triggers.Set(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(start.Trigger), resets: true);
        if (error != 0)
        {
            Run(TraceOperation.Unregister);
        }

        return error;
    }

    /// <summary>Sets what triggers: ftrace_tracing_set_trigger().</summary>
    public static int SetTrigger(ReadOnlySpan<byte> text, bool resets)
    {
        if (Tracing.WaitsForItself(CurrentThread.Words))
        {
            return -Errno.EDEADLK;
        }

        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        int error = s_isRunning ? Triggers.Set(text, resets) : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    private static int StartKeeper()
    {
        Keeper.Reset();
        int error = Native.Table->KeeperStart(Agent.Mask);
        if (error != 0)
        {
            Run(TraceOperation.Unregister);
        }

        return error;
    }

    private static uint BlocksOf(in TracingOptions options)
    {
        nuint wanted = (options.Flags & TracingOptions.Stream) != 0 ? DefaultStreamBuffer : DefaultBuffer;
        nuint bytes = options.BufferSize == 0 ? wanted : nuint.Min(options.BufferSize, LargestBuffer);
        return uint.Clamp(BitOperations.RoundUpToPowerOf2((uint)((bytes + BlockSize - 1) / BlockSize)), FewestBlocks, MostBlocks);
    }

    private static int OpenFile(byte* path, ulong maxSize)
    {
        RecorderWords.Shared->BlockSize = BlockSize;
        RecorderWords.Shared->Threads = 0;
        int error = RecordFile.Open(path, maxSize);
        if (error != 0)
        {
            return error;
        }

        var header = (TraceFileHeader*)RecordFile.Grow(BlockSize, out error);
        if (header == null)
        {
            RecordFile.Discard(path);
            return error;
        }

        ClockTimes now = ClockTimes.Read();
        *header = new TraceFileHeader
        {
            Version = TraceFileHeader.CurrentVersion,
            ByteOrder = TraceFileHeader.OwnByteOrder,
            BlockSize = BlockSize,
            Flags = TraceFileHeader.IsTsc | (EventStream.IsWanted ? TraceFileHeader.IsStreamed : 0),
            Pid = (uint)Native.Syscall(SyscallNumber.Getpid),
            State = TraceFileHeader.Recording,
            Start = now,
        };
        Volatile.Write(ref header->Magic, TraceFileHeader.MagicNumber);
        RecorderWords.Shared->Header = header;
        InfoWriter.Reset();
        RecordedObjects.Reset();
        RecordedProcess.Write(now.Tsc);
        return 0;
    }

    private static int Register(in TracingOptions options)
    {
        FtraceGraphOps* ops = GraphOps;
        bool hasExits = (options.Flags & TracingOptions.Function) == 0;
        ops->Entryfunc = hasExits ? Native.Table->RecordEntry : Native.Table->RecordFunction;
        ops->Retfunc = hasExits ? Native.Table->RecordReturn : null;
        ops->Flags = OpsFlags;
        ops->MaxDepth = options.MaxDepth;
        RecorderWords.Shared->MinTime = hasExits ? Tsc.FromNs(options.MinTimeNs) : 0;
        Tracing.Observer = &LookAtObjects;
        Marks.Set(true);
        LoadedObjects.Observer = &RecordedObjects.NoteClosed;
        Triggers.Begin();
        Volatile.Write(ref RecorderWords.Shared->Active, 1);
        s_stage = Offsets.RecordStart_InFilter;
        int error = SetRules(RuleKind.Filter, options.Filter);
        if (error != 0)
        {
            return error;
        }

        s_stage = Offsets.RecordStart_InNotrace;
        bool tracesNothing = (options.Flags & TracingOptions.Sample) != 0;
        fixed (byte* all = "*\0"u8)
        {
            error = SetRules(RuleKind.Notrace, tracesNothing ? all : options.Notrace);
        }

        if (error != 0)
        {
            return error;
        }

        s_stage = Offsets.RecordStart_InCode;
        return Run(TraceOperation.Register);
    }

    /// <summary>Objects may be new. Called with the trace mutex and the loader's lock held.</summary>
    private static void LookAtObjects()
    {
        RecordedObjects.Update();
        Marks.Apply();
    }

    /// <summary>Sets patterns, separated by semicolons or newlines.</summary>
    private static int SetRules(RuleKind kind, byte* patterns)
    {
        int error = 0;
        bool isFirst = true;
        ReadOnlySpan<byte> rest = patterns == null ? default : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(patterns);
        while (!rest.IsEmpty && error == 0)
        {
            int end = rest.IndexOfAny((byte)';', (byte)'\n');
            ReadOnlySpan<byte> pattern = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (pattern.IsEmpty)
            {
                continue;
            }

            fixed (byte* text = pattern)
            {
                var rule = new TraceRule { Kind = kind, Reset = isFirst };
                rule.Error = rule.TryParse(text, pattern.Length) ? 0 : -Errno.EINVAL;
                error = rule.Error;
                int result = Run(TraceOperation.SetRule, rule);
                error = error != 0 ? error : result;
            }

            isFirst = false;
        }

        return error;
    }

    private static int Run(TraceOperation operation, in TraceRule rule = default)
    {
        var call = new TraceCall { Operation = operation, Ops = (FtraceOps*)GraphOps, IsGraph = true, Rule = rule };
        return Tracing.Run(ref call);
    }

    /// <summary>Writes what all threads have to a file: <see cref="Record.Snapshot"/>.</summary>
    public static int Snapshot(byte* path, ReadOnlySpan<byte> cause)
    {
        if (Tracing.WaitsForItself(CurrentThread.Words))
        {
            return -Errno.EDEADLK;
        }

        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        int error = s_isRunning ? Record.Snapshot.Take(path, cause) : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    /// <returns>0 or -errno; then it still runs.</returns>
    public static int Stop()
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        int error = s_isRunning ? Run(TraceOperation.Unregister) : -Errno.ESRCH;
        if (error == 0)
        {
            Finish();
            s_isRunning = false;
        }

        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    /// <summary>Finishes the file. Threads may still be writing: the memory stays if one does not get away from it.</summary>
    private static void Finish()
    {
        RecorderWords* words = RecorderWords.Shared;
        Volatile.Write(ref words->Active, 0);
        Native.Table->KeeperEnd();
        Triggers.RemoveAll();
        Sampler.Stop();
        Marks.Set(false);
        ResetRules(); // and changes the branches of the marks
        Tracing.Observer = null;
        LoadedObjects.Observer = null;
        RingPool.Detach();
        var trampolines = new AddressRange { Start = TraceText.Start, End = TraceText.End };
        bool isQuiet = StackCheck.Run(CurrentThread.Words, trampolines, StackTimeoutMs) == 0 && RingPool.WaitForWriters(StackTimeoutMs);
        if (EventStream.IsWanted)
        {
            EventStream.Finish(isQuiet);
        }

        words->Header->Latest = ClockTimes.Read();
        Volatile.Write(ref words->Header->State, TraceFileHeader.Finished);
        if (isQuiet)
        {
            RingPool.Free();
        }
        else
        {
            RingPool.Forget();
        }

        InfoWriter.Unmap();
        TraceFileHeader* header = words->Header;
        words->Header = null;
        Memory.Unmap(header, BlockSize);
        RecordFile.Close();
    }

    private static void ResetRules()
    {
        Run(TraceOperation.SetRule, new TraceRule { Kind = RuleKind.Filter, Reset = true, ResetOnly = true });
        Run(TraceOperation.SetRule, new TraceRule { Kind = RuleKind.Notrace, Reset = true, ResetOnly = true });
    }
}
