using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// The machine on which the tests run the protocols: every operation is a step that the explorer executes
/// when and as it likes. Barriers that compile to nothing on x86 are nothing here, so that what is
/// explored is what ships; but for configurations with weak stores, which show what those are for.
/// </summary>
internal unsafe struct SimMachine : IMachine
{
    [ThreadStatic]
    private static Batch s_batch;

    [ThreadStatic]
    private static PatchCode s_code; // of it, that was written last

    /// <summary>The addresses stand for the words; what is there is never used.</summary>
    public static ProtocolState* NmiWords { get; } = (ProtocolState*)NativeMemory.AllocZeroed((nuint)sizeof(ProtocolState));

    public static BreakpointState* BreakpointWords { get; } =
        (BreakpointState*)NativeMemory.AllocZeroed((nuint)sizeof(BreakpointState));

    public static ReleaseState* ReleaseWords { get; } = (ReleaseState*)NativeMemory.AllocZeroed((nuint)sizeof(ReleaseState));

    public static NmiThread* Thread { get; } = (NmiThread*)NativeMemory.AllocZeroed((nuint)sizeof(NmiThread));

    public static ulong* Gate { get; } = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));

    /// <summary>PatchState.Killed.</summary>
    public static uint* Killed { get; } = (uint*)NativeMemory.AllocZeroed(sizeof(uint));

    private static readonly Dictionary<nint, byte> s_words = new()
    {
        [(nint)Gate] = Word.Gate,
        [(nint)(&NmiWords->NmiRunning)] = Word.NmiRunning,
        [(nint)(&NmiWords->ModCodeIp)] = Word.Ip,
        [(nint)(&NmiWords->ModCodeNewcode)] = Word.Newcode,
        [(nint)(&NmiWords->ModCodeLen)] = Word.Len,
        [(nint)(&NmiWords->ModCodeStatus)] = Word.Status,
        [(nint)(&BreakpointWords->Armed)] = Word.Armed,
        [(nint)(&BreakpointWords->Active)] = Word.Active,
        [(nint)(&BreakpointWords->Code)] = Word.Code,
        [(nint)(&BreakpointWords->Handlers)] = Word.Handlers,
        [(nint)(&BreakpointWords->HeldNmis)] = Word.HeldNmis,
        [(nint)(&ReleaseWords->SerializeParked)] = Word.SerializeParked,
    };

    /// <summary>Words that only the CPU's own thread has to do with.</summary>
    private static readonly Dictionary<nint, byte> s_own = new()
    {
        [(nint)(&Thread->Saved)] = Word.Saved,
        [(nint)(&Thread->StopPending)] = Word.StopPending,
        [(nint)(&Thread->Held)] = Word.Held,
        [(nint)(&Thread->Unblocked)] = Word.Unblocked,
        [(nint)(&ReleaseWords->TextChanged)] = Word.TextChanged,
        [(nint)Killed] = Word.Killed,
    };

    /// <summary>What <see cref="WriteBatch"/> writes.</summary>
    public static Batch CurrentBatch
    {
        get => s_batch;
        set => s_batch = value;
    }

    private static Mutant Mutant => Replay.Current.Mutant;

    private static Configuration Configuration => Replay.Current.Configuration;

    public static uint Read(uint* word, Step step = Step.Unnamed)
    {
        if (IsUnused(word))
        {
            return 0;
        }

        if (s_own.TryGetValue((nint)word, out byte own))
        {
            return Do(OpKind.ReadOwn, own);
        }

        byte index = s_words[(nint)word];
        switch (Mutant)
        {
            case Mutant.NoSecondWait when index == Word.NmiRunning:
            case Mutant.NoHeldWait when index == Word.HeldNmis:
            case Mutant.NoHandlersWait when index == Word.Handlers:
            case Mutant.NoSecondLook when step == Step.SecondLook:
                return 0;
            case Mutant.OnePhase when index == Word.Armed:
                return 1;
        }

        return Expand(index, Do(OpKind.Read, index));
    }

    public static ulong Read(ulong* word)
    {
        if (IsUnused(word))
        {
            return 0;
        }

        if (!s_own.TryGetValue((nint)word, out byte own))
        {
            return Do(OpKind.Read, s_words[(nint)word]);
        }

        byte value = Do(OpKind.ReadOwn, own);
        if (Mutant == Mutant.CheckBeforePop && own == Word.StopPending)
        {
            Write(&Thread->Saved, (ulong)Do(OpKind.ReadOwn, Word.Saved) >> 1); // the pop that comes too late
        }

        return value;
    }

    public static void Write(uint* word, uint value, Step step = Step.Unnamed)
    {
        if (IsUnused(word))
        {
            return;
        }

        switch (Mutant)
        {
            case Mutant.CodeStaysOld when step == Step.Turn:
                value = (uint)PatchCode.Old;
                break;
            case Mutant.NewWhilePutBack when step == Step.Turn:
                value = (uint)PatchCode.New;
                break;
            case Mutant.NoTextChanged when word == &ReleaseWords->TextChanged:
            case Mutant.NoSerializeParked when word == &ReleaseWords->SerializeParked:
            case Mutant.NotKilled when word == Killed:
                return;
        }

        if (s_own.TryGetValue((nint)word, out byte own))
        {
            Do(OpKind.WriteOwn, own, (byte)value);
            return;
        }

        Do(OpKind.Write, s_words[(nint)word], (byte)value);
    }

    public static void Write(ulong* word, ulong value, Step step = Step.Unnamed)
    {
        if (IsUnused(word) || (Mutant == Mutant.CheckBeforePop && step == Step.Pop && !NmiThread.IsAnnounced(value)))
        {
            return;
        }

        if (s_own.TryGetValue((nint)word, out byte own))
        {
            Do(OpKind.WriteOwn, own, (byte)value);
            return;
        }

        Do(OpKind.Write, s_words[(nint)word], (byte)value);
    }

    public static uint AtomicIncReturn(uint* word)
    {
        if (word == &NmiWords->NmiUpdateCount)
        {
            Do(OpKind.LockedOther);
            return 0;
        }

        if (IsUnused(word))
        {
            return 1;
        }

        byte index = s_words[(nint)word];
        byte value;
        if (IsPlain(index, Mutant.PlainIncrement))
        {
            value = (byte)(Do(OpKind.Read, index) + 1);
            Do(OpKind.Write, index, value);
        }
        else
        {
            value = Do(OpKind.LockedInc, index);
        }

        uint result = Expand(index, value);
        return Mutant == Mutant.NmiDoesNotWrite ? result & ~ProtocolState.ModCodeWriteFlag : result;
    }

    public static void AtomicDec(uint* word)
    {
        if (IsUnused(word))
        {
            return;
        }

        byte index = s_words[(nint)word];
        if (!IsPlain(index, Mutant.PlainDecrement))
        {
            Do(OpKind.LockedDec, index);
            return;
        }

        byte value = Do(OpKind.Read, index);
        Do(OpKind.Write, index, (byte)(value - 1));
    }

    public static uint AtomicCmpxchg(uint* word, uint expected, uint value)
    {
        byte index = s_words[(nint)word];
        if (Mutant == Mutant.NoFirstWait)
        {
            Do(OpKind.LockedOr, index, Shrink(value));
            return expected;
        }

        if (Mutant != Mutant.PlainCmpxchg)
        {
            return Expand(index, Do(OpKind.LockedCmpxchg, index, Shrink(value), Shrink(expected)));
        }

        byte before = Do(OpKind.Read, index);
        if (before == Shrink(expected))
        {
            Do(OpKind.Write, index, Shrink(value));
        }

        return Expand(index, before);
    }

    public static void AtomicAndNot(uint* word, uint bits, Step step)
    {
        byte index = s_words[(nint)word];
        switch (Mutant)
        {
            case Mutant.NoClearOnFailure when step == Step.WriteFailed:
                return;
            case Mutant.PlainClear:
                byte value = Do(OpKind.Read, index);
                Do(OpKind.Write, index, (byte)(value & ~Shrink(bits)));
                return;
            default:
                Do(OpKind.LockedAndNot, index, Shrink(bits));
                return;
        }
    }

    public static void SmpMb(Step step)
    {
        if (!IsLeftOut(step))
        {
            Do(OpKind.Barrier);
        }
    }

    public static void SmpMbBeforeAtomic(Step step) => FreeOnX86(step);

    public static void SmpMbAfterAtomic(Step step) => FreeOnX86(step);

    public static void SmpRmb()
    {
    }

    public static void SyncCore(Step step)
    {
        bool leftOut = Mutant switch
        {
            Mutant.NoSyncCore => step == Step.Enter,
            Mutant.NoOwnSync => step is Step.BreakpointSync or Step.TailSync or Step.HeadSync,
            Mutant.NoWindowSync => step == Step.WindowSync,
            Mutant.NoReleaseOwnSync => step == Step.ReleaseOwnSync,
            Mutant.NoParkedSync => step == Step.ParkedSync,
            _ => false,
        };
        if (!leftOut)
        {
            Do(OpKind.SyncCore, 0, (byte)(step == Step.Enter ? 1 : 0));
        }
    }

    /// <summary>membarrier.</summary>
    public static int SyncCores(Step step)
    {
        bool leftOut = Mutant switch
        {
            Mutant.NoGateSync => step == Step.GateSync,
            Mutant.NoBreakpointSync => step == Step.BreakpointSync,
            Mutant.NoTailSync => step == Step.TailSync,
            Mutant.NoHeadSync => step == Step.HeadSync,
            Mutant.NoSyncAll => step == Step.ReleaseSync,
            _ => false,
        };
        if (leftOut)
        {
            return 0;
        }

        if (step == Step.ReleaseSync ? Configuration.NoMembarrier : FailsNow(step))
        {
            return -Linux.Errno.EPERM;
        }

        Do(OpKind.SyncAll);
        return 0;
    }

    public static int WriteText(ulong ip, ulong newcode, uint len)
    {
        // A location that does not exist is for the explorer to see, not for us to skip.
        PatchCode code = newcode == Programs.OldCode ? PatchCode.Old : PatchCode.New;
        if (Configuration.Fails(TextPart.Whole, (int)ip, code))
        {
            return -Linux.Errno.EFAULT;
        }

        for (byte i = 0; i < len; i++)
        {
            Do(OpKind.WriteText, Word.TextOf((byte)ip, i), (byte)newcode);
        }

        return 0;
    }

    public static void RelaxPatcher(uint* word, uint seen, uint turn) => Do(OpKind.Relax, s_words[(nint)word], Shrink(seen));

    /// <summary>Parking.Park: joins, and stays until the stop is over.</summary>
    public static void Park(ulong cookie, void* context)
    {
        if (Do(OpKind.Park, 0, (byte)cookie) != 0)
        {
            ReleaseProtocol<SimMachine>.GoOn();
        }
    }

    public static void AfterNmi(NmiThread* thread)
    {
    }

    public static void CountDeferredStop()
    {
    }

    /// <summary>Text is written location by location, as in place. What is written at once reaches memory in that order.</summary>
    public static int WriteBatch(TextPart part, PatchCode code)
    {
        s_code = code;
        for (int location = 1; location <= Configuration.Locations; location++)
        {
            if (!CurrentBatch.Contains(location))
            {
                continue;
            }

            if (Configuration.Fails(part, location, code))
            {
                return -Linux.Errno.EFAULT;
            }

            WritePart(Mutant == Mutant.HeadsFirst ? Swapped(part) : part, location, CurrentBatch.Code(code));
        }

        return 0;
    }

    /// <summary>TrapBatch.Execute: reads which batch it is, looks the location up, and executes its code.</summary>
    public static bool Execute(ulong ip, PatchCode code, void* context)
    {
        byte keys = Do(OpKind.Read, Word.Keys);
        Batch batch = Batch.FromWord(keys);
        bool found = batch.Contains((int)ip);
        if (found || keys == 0)
        {
            Do(OpKind.Emulate, (byte)ip, batch.Code(code), keys);
        }

        return found;
    }

    public static bool IsBreakpoint(ulong ip, Step step) =>
        Mutant == (step == Step.LookBefore ? Mutant.NoLookBefore : Mutant.NoLookAfter)
            || Do(OpKind.Read, Word.TextOf((int)ip)) == Programs.Breakpoint;

    public static bool UnblockTrap() => Mutant != Mutant.NoUnblock && Do(OpKind.UnblockTrap) != 0;

    public static void BlockTrap()
    {
        if (Mutant != Mutant.NoBlock)
        {
            Do(OpKind.BlockTrap);
        }
    }

    public static int Relax(uint* word, uint seen, uint turn) =>
        Do(OpKind.Relax, s_words[(nint)word], (byte)seen) == 0 ? 0 : -Linux.Errno.ETIMEDOUT;

    private static byte Do(OpKind kind, byte word = 0, byte value = 0, byte expected = 0) =>
        Replay.Current.Do(new Op(kind, word, value, expected));

    /// <summary>
    /// Words that nobody else reads in this configuration, or that never change: to have steps for them would make the same states
    /// over and over. Of the breakpoint method's while the other one is at work: what NMIs count there.
    /// </summary>
    private static bool IsUnused(void* word)
    {
        if (word == &NmiWords->NmiWaitCount)
        {
            return true;
        }

        if (word == &ReleaseWords->SerializeParked)
        {
            return !Configuration.NoMembarrier;
        }

        return !Configuration.HasBreakpoints
            && (word == &Thread->Held || word == &Thread->Unblocked || word == &BreakpointWords->Armed || word == &BreakpointWords->HeldNmis);
    }

    /// <summary>The barriers that one mutant each leaves out.</summary>
    private static bool IsLeftOut(Step step) => Mutant switch
    {
        Mutant.NoArmBarrier => step == Step.Arm,
        Mutant.NoBatchBarrier => step == Step.PublishBatch,
        Mutant.NoWithdrawBarrier => step == Step.Withdraw,
        Mutant.NoKeepBarrier => step == Step.Keep,
        Mutant.NoPublishBarrier => step == Step.Publish,
        Mutant.NoWrittenBarrier => step == Step.Written,
        Mutant.NoEnterBarrier => step == Step.Enter,
        _ => false,
    };

    /// <summary>A membarrier of the breakpoint method fails.</summary>
    private static bool FailsNow(Step step) => step switch
    {
        Step.BreakpointSync => Configuration.Fails(TextPart.Breakpoint, 0, s_code),
        Step.TailSync => Configuration.Fails(TextPart.Tail, 0, s_code),
        Step.HeadSync => Configuration.Fails(TextPart.Head, 0, s_code),
        _ => false,
    };

    private static TextPart Swapped(TextPart part) => part switch
    {
        TextPart.Tail => TextPart.Head,
        TextPart.Head => TextPart.Tail,
        _ => part,
    };

    private static void WritePart(TextPart part, int location, byte code)
    {
        switch (part)
        {
            case TextPart.Breakpoint:
                if (Mutant != Mutant.NoBreakpoint)
                {
                    Do(OpKind.WriteText, Word.TextOf(location), Programs.Breakpoint);
                }

                break;
            case TextPart.Head:
                Do(OpKind.WriteText, Word.TextOf(location), code);
                break;
            default:
                for (int i = 1; i < Word.InstructionSize; i++)
                {
                    Do(OpKind.WriteText, Word.TextOf(location, i), code);
                }

                break;
        }
    }

    /// <summary>The change of a count is no locked instruction: in a mutant of this word, or in <paramref name="either"/>.</summary>
    private static bool IsPlain(byte index, Mutant either) => index switch
    {
        Word.HeldNmis => Mutant == Mutant.PlainHeld,
        Word.Handlers => Mutant == Mutant.PlainHandlers,
        _ => Mutant == either,
    };

    private static void FreeOnX86(Step step)
    {
        if (Configuration.WeakStores && !IsLeftOut(step))
        {
            Do(OpKind.Barrier);
        }
    }

    /// <summary>Words are bytes in the explorer: the flag is bit 7, an error keeps its sign.</summary>
    private static uint Expand(byte index, byte value) => index switch
    {
        Word.NmiRunning => (uint)(value & 0x7f) | ((value & Word.WriteFlag) != 0 ? ProtocolState.ModCodeWriteFlag : 0),
        Word.Status => (uint)(sbyte)value,
        _ => value,
    };

    private static byte Shrink(uint value) =>
        (byte)((value & 0x7f) | ((value & ProtocolState.ModCodeWriteFlag) != 0 ? Word.WriteFlag : 0u));
}
