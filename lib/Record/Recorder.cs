using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.JumpLabel;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;
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
    private const long LongestWaitNs = Clock.NsPerSecond / 10;
    private const uint StackTimeoutMs = 1000;
    private const ulong OpsFlags = FtraceOps.NoVectors | FtraceOps.SkipForeign | FtraceOps.Pending;

    private const int MostPatterns = 80; // more than the rules of an ops can hold

    private static bool s_isRunning;
    private static bool s_isOn;
    private static bool s_hasExits;

    /// <summary>The number of the connection that has started the recording, see <see cref="RecordStart"/>.</summary>
    private static uint s_owner;

    /// <summary>Where a start has failed, see <see cref="RecordStart"/>.</summary>
    private static uint s_stage;

    /// <summary>Samples, for forked children.</summary>
    private static uint s_hz;

    private static ReadOnlySpan<byte> DefaultPath => "ftrace.data\0"u8;

    private static FtraceGraphOps* GraphOps => (FtraceGraphOps*)Native.Table->RecorderGraphOps;

    /// <summary>With the mutex held: a recording runs.</summary>
    public static bool IsRunning => s_isRunning;

    /// <summary>Calls are recorded.</summary>
    public static bool IsOn => s_isOn;

    public static uint MaxDepth => GraphOps->MaxDepth;

    public static ulong MinTimeNs { get; private set; }

    /// <param name="options">Checked but for the patterns.</param>
    /// <param name="start">What else is to be known of it; receives where it has failed.</param>
    /// <returns>0 or -errno; then nothing has changed.</returns>
    public static int Start(in TracingOptions options, ref RecordStart start)
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        s_stage = 0;
        EndParents();
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
            s_owner = start.Owner;
            RecorderWords.Shared->FromEnvironment = s_owner != 0 ? 0 : RecorderWords.Shared->FromEnvironment;
            RecorderWords.Shared->CountsNs = start.Clock == 0 ? RecorderWords.Shared->DefaultCountsNs : start.Clock - 1;
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

            TruncationGuard.Install();
            error = AddRings(RingPool.Spare);
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

            bool isDescriptor = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path).StartsWith(TraceFilePath.Descriptor);
            byte* children = start.ChildBase != null || isDescriptor ? start.ChildBase : path;
            bool hasChildren = start.Children != 0 && (options.Flags & TracingOptions.NoChildren) == 0;
            RecordFork.Shared->SetBase(hasChildren ? children : null);
            s_hz = options.Hz;
            RecordFork.Shared->AtOnce = options.Hz != 0 ? 1u : 0;
            RecordedOptions.Write(options, RecorderWords.Shared->Header->Start, hasChildren);
            ControlArea.Begin(RecorderWords.Shared->Header, Agent.Mask);
            s_isRunning = true;
            return 0;
        }
    }

    /// <summary>
    /// In the child of a fork whose parent was recorded for a connection: it has neither, but its functions are still changed. Another process may
    /// want to record it now.
    /// </summary>
    private static void EndParents()
    {
        bool isParents = RecorderWords.Shared->Header == null && RecordFork.Shared->State == Offsets.RecordFork_None;
        if (s_isRunning && s_owner != 0 && isParents && SwitchOff() == 0)
        {
            Finish();
            s_isRunning = false;
        }
    }

    /// <summary>Adds the first rings, or as many as there is room for.</summary>
    private static int AddRings(int count)
    {
        int error = RingPool.Add(count);
        return RecorderWords.Shared->RingCount != 0 ? 0 : error;
    }

    /// <summary>
    /// In the child of a fork: nothing of the parent's recording is used. The text stays changed, and the ops registered; events are
    /// dropped until the child has a recording of its own, <see cref="StartChild"/>.
    /// </summary>
    [NoInstr]
    public static void AfterFork(NmiThread* self)
    {
        RecorderWords* words = RecorderWords.Shared;
        RecorderState* state = RecorderState.Shared;
        RecordFork* fork = RecordFork.Shared;
        if (self->Saved != NmiThread.Outside && self->Busy != 0)
        {
            fork->State = Offsets.RecordFork_None;
            return; // an NMI has forked, perhaps in the middle of a call of the recorder's, which continues
        }

        if (words->Header != null && !s_isRunning)
        {
            // Another thread was just starting it. How far that went is not known: what ends it can do so from the first step on.
            s_isRunning = true;
            s_isOn = true;
        }

        bool isRecorded = s_isRunning && TraceState.Shared->Torn == 0 && fork->Base[0] != 0;
        words->Active = 0;
        words->Cutting = 0;
        words->Header = null;
        words->HeaderMutex = 0;
        RingPool.AfterFork(self);
        InfoWriter.AfterFork();
        state->Mutex = 0;
        state->FileMutex = 0;
        fork->Lost = 0;
        fork->State = isRecorded ? (uint)Offsets.RecordFork_Forked : Offsets.RecordFork_None;
    }

    /// <summary>Begins the recording of the child of a fork. Called by its keeper.</summary>
    /// <returns>0 or -errno; then the child is not recorded.</returns>
    public static int StartChild(byte* path)
    {
        // Who stops the recording waits for the keeper with the mutex held.
        if (!FutexMutex.TryLock(&RecorderState.Shared->Mutex, Clock.NowNs() + LongestWaitNs))
        {
            return -Errno.EBUSY;
        }

        int error = s_isRunning && RecorderWords.Shared->Header == null ? StartChildLocked(path) : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    private static int StartChildLocked(byte* path)
    {
        RecorderWords* words = RecorderWords.Shared;
        RecordFile.Close(); // the parent's
        RingMemory.ForgetRetired();
        int error = EventStream.Reset(EventStream.IsWanted);
        error = error != 0 ? error : OpenFile(path, RecordFile.MaxSize);
        if (error != 0)
        {
            return error;
        }

        error = AddRings(RingPool.FewestSpare);
        if (error != 0)
        {
            words->Header->Magic = 0;
            RecordFile.Discard(path);
            TraceFileHeader* header = words->Header;
            words->Header = null;
            Memory.Unmap(header, BlockSize);
            InfoWriter.Unmap();
            return error;
        }

        Keeper.Reset();
        Triggers.Begin();
        SnapshotRequests.Reset(path, null);
        RecordedOptions.WriteAgain();
        Run(TraceOperation.Update); // writes the objects
        Volatile.Write(ref words->Active, 1);
        Sampler.Start(s_hz); // without samples, if they cannot be taken
        ControlArea.Begin(words->Header, Agent.Mask);
        return 0;
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
            SwitchOff();
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
            SwitchOff();
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
            Flags = (RecorderWords.Shared->CountsNs == 0 ? TraceFileHeader.IsTsc : 0) | (EventStream.IsWanted ? TraceFileHeader.IsStreamed : 0),
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
        s_hasExits = (options.Flags & TracingOptions.Function) == 0;
        ops->Entryfunc = s_hasExits ? Native.Table->RecordEntry : Native.Table->RecordFunction;
        ops->Retfunc = s_hasExits ? Native.Table->RecordReturn : null;
        ops->Flags = OpsFlags;
        SetLimits(options.MaxDepth, options.MinTimeNs);
        LoadedObjects.Observer = RecordObserver.Instance;
        RecordedObjects.HasSamples = options.Hz != 0;
        Triggers.Begin();
        NoteOff();
        Volatile.Write(ref RecorderWords.Shared->Active, 1);
        s_stage = Offsets.RecordStart_InFilter;
        int error = SetRules(RuleKind.Filter, TextOf(options.Filter), reset: false);
        if (error != 0)
        {
            return error;
        }

        s_stage = Offsets.RecordStart_InNotrace;
        bool tracesNothing = (options.Flags & TracingOptions.Sample) != 0;
        error = SetRules(RuleKind.Notrace, tracesNothing ? "*"u8 : TextOf(options.Notrace), reset: false);
        s_stage = error != 0 ? s_stage : Offsets.RecordStart_InCode;
        if (error != 0 || (options.Flags & TracingOptions.Off) != 0)
        {
            return error;
        }

        return SwitchOn();
    }

    private static ReadOnlySpan<byte> TextOf(byte* text) => text != null ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text) : default;

    /// <summary>Which calls are recorded, apart from the patterns. Called while none are.</summary>
    public static void SetLimits(uint depth, ulong minTimeNs)
    {
        GraphOps->MaxDepth = depth;
        MinTimeNs = minTimeNs;
        RecorderWords.Shared->MinTime = s_hasExits ? Tsc.FromNs(minTimeNs) : 0;
    }

    /// <summary>Begins to record calls. Called with the mutex held.</summary>
    public static int SwitchOn()
    {
        if (s_isOn)
        {
            return 0;
        }

        Marks.Set(true);
        int error = Run(TraceOperation.Register);
        Marks.Set(error == 0);
        s_isOn = error == 0;
        NoteOff();
        return error;
    }

    /// <summary>Ends to record calls. Called with the mutex held.</summary>
    public static int SwitchOff()
    {
        if (!s_isOn)
        {
            return 0;
        }

        Marks.Set(false);
        int error = Run(TraceOperation.Unregister);

        // An attempt before may have removed it, although it failed.
        error = error == -Errno.ENOENT ? 0 : error;
        s_isOn = error != 0;
        NoteOff();
        return error;
    }

    /// <summary>For triggers: to switch on takes more than a word.</summary>
    private static void NoteOff() => Volatile.Write(ref RecorderWords.Shared->Off, s_isOn ? 0u : 1u);

    /// <summary>Sets patterns, separated by semicolons or newlines: all or none. Called with the mutex held.</summary>
    /// <param name="kind">Filter or notrace.</param>
    /// <param name="patterns">In memory that does not move.</param>
    /// <param name="reset">First remove the patterns of this kind.</param>
    public static int SetRules(RuleKind kind, ReadOnlySpan<byte> patterns, bool reset)
    {
        TraceRule* rules = stackalloc TraceRule[MostPatterns];
        int count = 0;
        fixed (byte* text = patterns)
        {
            for (int at = 0; at < patterns.Length;)
            {
                int length = patterns[at..].IndexOfAny((byte)';', (byte)'\n');
                length = length < 0 ? patterns.Length - at : length;
                if (length != 0)
                {
                    if (count == MostPatterns)
                    {
                        return -Errno.E2BIG;
                    }

                    rules[count] = new TraceRule { Kind = kind };
                    if (!rules[count].TryParse(text + at, length))
                    {
                        return -Errno.EINVAL;
                    }

                    count++;
                }

                at += length + 1;
            }
        }

        if (count == 0 && !reset)
        {
            return 0;
        }

        rules[0].Kind = kind;
        rules[0].Reset = reset;
        rules[0].ResetOnly = count == 0;
        for (int i = 0; i < count - 1; i++)
        {
            rules[i].Next = rules + i + 1;
        }

        return Run(TraceOperation.SetRule, rules[0]);
    }

    /// <summary>What is known of the recording. Called with the mutex held.</summary>
    public static void Fill(ref TracingStatus status)
    {
        RecorderWords* words = RecorderWords.Shared;
        status.State = TracingStatus.Running | (s_isOn ? TracingStatus.On : 0);
        status.State |= EventStream.IsWanted && EventStream.Error == 0 ? TracingStatus.Streams : 0;
        status.StreamError = EventStream.Error;
        status.FileSize = RecordFile.Size;
        status.MaxSize = RecordFile.MaxSize;
        status.BufferSize = RingPool.RingBytes;
        status.Buffers = Volatile.Read(ref words->RingCount);
        status.FreeBuffers = (uint)RingPool.CountAvailable();
        status.Threads = Volatile.Read(ref words->Threads);
        status.MaxDepth = MaxDepth;
        status.MinTimeNs = MinTimeNs;
        status.LostWithoutBuffer = words->Header != null ? Volatile.Read(ref words->Header->Lost) : 0; // not yet, in the child of a fork
        status.LostOverwritten = EventStream.Lost;
        status.Copied = EventStream.Copied * words->BlockSize;
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
        int error = s_isRunning && RecorderWords.Shared->Header != null ? Record.Snapshot.Take(path, cause) : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    /// <returns>0 or -errno; then it still runs.</returns>
    public static int Stop()
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        int error = s_isRunning ? StopLocked() : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    /// <summary>Stops the recording that a connection has started.</summary>
    /// <param name="owner">Its number.</param>
    /// <returns>0 or -errno: -ESRCH: there is none, or another one.</returns>
    public static int Stop(uint owner)
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        int error = s_isRunning && s_owner == owner ? StopLocked() : -Errno.ESRCH;
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        return error;
    }

    /// <summary>Stops the recording that a connection has started, whichever that was, and ends the connection.</summary>
    /// <returns>0 or -errno: -EPERM: the process has started the recording itself.</returns>
    public static int Detach()
    {
        FutexMutex.Lock(&RecorderState.Shared->Mutex);
        uint owner = s_owner;
        int error = s_isRunning ? 0 : -Errno.ESRCH;
        error = error == 0 && owner == 0 ? -Errno.EPERM : error;
        error = error != 0 ? error : StopLocked();
        FutexMutex.Unlock(&RecorderState.Shared->Mutex);
        if (error == 0)
        {
            Native.Table->ConnectionEnd(owner);
        }

        return error;
    }

    private static int StopLocked()
    {
        int error = SwitchOff();
        if (error == 0)
        {
            Finish();
            s_isRunning = false;
        }

        return error;
    }

    /// <summary>Threads that the keeper has not seen, and their last names.</summary>
    private static void NoteThreads()
    {
        if (RecorderWords.Shared->Header == null)
        {
            return; // the child of a fork that was not recorded
        }

        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        RecordedThreads.Update();
        RecordedThreads.UpdateAllNames();
        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
    }

    /// <summary>Finishes the file. Threads may still be writing: the memory stays if one does not get away from it.</summary>
    private static void Finish()
    {
        RecorderWords* words = RecorderWords.Shared;
        Volatile.Write(ref words->Active, 0);
        ControlArea.End(words->Header);
        Volatile.Write(ref RecordFork.Shared->State, Offsets.RecordFork_None);
        RecordFork.Shared->SetBase(null);
        Native.Table->KeeperEnd();
        Triggers.RemoveAll();
        Sampler.Stop();
        Marks.Set(false);
        ResetRules(); // and changes the branches of the marks
        LoadedObjects.Observer = null;
        NoteThreads();
        RingPool.Detach();
        var trampolines = new AddressRange { Start = TraceText.Start, End = TraceText.End };
        if (words->Header == null)
        {
            RecordFile.Close();
            return; // the child of a fork that was not recorded
        }

        bool isQuiet = StackCheck.Run(CurrentThread.Words, trampolines, StackTimeoutMs) == 0 && RingPool.WaitForWriters(StackTimeoutMs);
        if (EventStream.IsWanted)
        {
            EventStream.Finish(isQuiet);
        }

        if (!isQuiet)
        {
            RingPool.Leave(); // what is written from here on is not in the file: nothing in it is later than its end
        }

        FinishHeader(isQuiet);
        if (isQuiet)
        {
            RingPool.Free();
        }

        InfoWriter.Unmap();
        RecordFile.Close();
        if (isQuiet)
        {
            TruncationGuard.Remove();
        }
    }

    /// <summary>Ends the file: its header is written, and taken away, while exit(3) may do so too.</summary>
    private static void FinishHeader(bool isQuiet)
    {
        RecorderWords* words = RecorderWords.Shared;
        FutexMutex.Lock(&words->HeaderMutex);
        TraceFileHeader* header = words->Header;
        header->Latest = ClockTimes.Read();
        Volatile.Write(ref header->State, TraceFileHeader.Finished);
        words->Header = null;
        FutexMutex.Unlock(&words->HeaderMutex);
        if (isQuiet)
        {
            Memory.Unmap(header, BlockSize);
        }
        else
        {
            RingMemory.Leave((ulong)header, BlockSize); // a thread may be about to count what it has lost
        }
    }

    private static void ResetRules()
    {
        Run(TraceOperation.SetRule, new TraceRule { Kind = RuleKind.Filter, Reset = true, ResetOnly = true });
        Run(TraceOperation.SetRule, new TraceRule { Kind = RuleKind.Notrace, Reset = true, ResetOnly = true });
    }
}
