using System;
using System.Runtime.InteropServices;
using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// The machine on which the tests run the protocol: every operation is a step that the explorer carries out
/// when and as it likes. Barriers that compile to nothing on x86 are nothing here, so that what is
/// explored is what ships; but for configurations with weak stores, which show what those are for.
/// </summary>
internal unsafe struct SimMachine : IMachine
{
    /// <summary>The addresses stand for the words; what lies there is never used.</summary>
    public static ProtocolState* State { get; } = (ProtocolState*)NativeMemory.AllocZeroed((nuint)sizeof(ProtocolState));

    public static BreakpointState* Breakpoint { get; } =
        (BreakpointState*)NativeMemory.AllocZeroed((nuint)sizeof(BreakpointState));

    public static NmiThread* Thread { get; } = (NmiThread*)NativeMemory.AllocZeroed((nuint)sizeof(NmiThread));

    public static ulong* Gate { get; } = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));

    public static uint Read(uint* word)
    {
        if (word == &State->NmiWaitCount)
        {
            return 0;
        }

        byte index = IndexOf(word);
        switch (Replay.Current.Mutant)
        {
            case Mutant.NoSecondWait when index == Word.NmiRunning:
            case Mutant.NoHeldWait when index == Word.HeldNmis:
            case Mutant.NoHandlersWait when index == Word.Handlers:
            case Mutant.NoSecondLook when index == Word.Armed && Replay.Current.ArmedReads++ > 0:
                return 0;
            case Mutant.OnePhase when index == Word.Armed:
                return 1;
        }

        byte value = Replay.Current.Do(new Op(OpKind.Read, index));
        if (index == Word.NmiRunning)
        {
            Replay.Current.LastNmiRunning = value;
        }

        return Expand(index, value);
    }

    public static ulong Read(ulong* word)
    {
        if (word == &Thread->StopPending)
        {
            return Replay.Current.PendingBeforePop ?? Replay.Current.Do(new Op(OpKind.ReadOwn, Word.StopPending));
        }

        return IsOwn(word, out byte own)
            ? Replay.Current.Do(new Op(OpKind.ReadOwn, own))
            : Replay.Current.Do(new Op(OpKind.Read, IndexOf(word)));
    }

    public static void Write(uint* word, uint value)
    {
        if (word == &State->NmiWaitCount)
        {
            return;
        }

        var op = new Op(OpKind.Write, IndexOf(word), (byte)value);
        if (Replay.Current.Mutant == Mutant.CodeStaysOld && op.Word == Word.Code)
        {
            op = op with { Value = 0 };
        }

        Replay.Current.LastWrite = op;
        Replay.Current.Do(op);
    }

    public static void Write(ulong* word, ulong value)
    {
        Replay.Current.Do(IsOwn(word, out byte own)
            ? new Op(OpKind.WriteOwn, own, (byte)value)
            : new Op(OpKind.Write, IndexOf(word), (byte)value));
    }

    public static uint AtomicIncReturn(uint* word)
    {
        if (word == &State->NmiUpdateCount)
        {
            Replay.Current.Do(new Op(OpKind.LockedOther));
            return 0;
        }

        byte index = IndexOf(word);
        byte value;
        if (IsPlain(index, Mutant.PlainIncrement))
        {
            value = (byte)(Replay.Current.Do(new Op(OpKind.Read, index)) + 1);
            Replay.Current.Do(new Op(OpKind.Write, index, value));
        }
        else
        {
            value = Replay.Current.Do(new Op(OpKind.LockedInc, index));
        }

        uint result = Expand(index, value);
        return Replay.Current.Mutant == Mutant.NmiDoesNotWrite ? result & ~ProtocolState.ModCodeWriteFlag : result;
    }

    public static void AtomicDec(uint* word)
    {
        byte index = IndexOf(word);
        if (IsPlain(index, Mutant.PlainDecrement))
        {
            byte value = Replay.Current.Do(new Op(OpKind.Read, index));
            Replay.Current.Do(new Op(OpKind.Write, index, (byte)(value - 1)));
        }
        else
        {
            Replay.Current.Do(new Op(OpKind.LockedDec, index));
        }

        if (Replay.Current.Mutant == Mutant.CheckBeforePop)
        {
            Replay.Current.PendingBeforePop = Replay.Current.Do(new Op(OpKind.ReadOwn, Word.StopPending));
        }
    }

    public static uint AtomicCmpxchg(uint* word, uint expected, uint value)
    {
        byte index = IndexOf(word);
        byte before;
        switch (Replay.Current.Mutant)
        {
            case Mutant.PlainCmpxchg:
                before = Replay.Current.Do(new Op(OpKind.Read, index));
                if (before == Shrink(expected))
                {
                    Replay.Current.Do(new Op(OpKind.Write, index, Shrink(value)));
                }

                break;
            case Mutant.NoFirstWait:
                Replay.Current.Do(new Op(OpKind.LockedOr, index, Shrink(value)));
                return expected;
            default:
                before = Replay.Current.Do(new Op(OpKind.LockedCmpxchg, index, Shrink(value), Shrink(expected)));
                break;
        }

        Replay.Current.LastNmiRunning = before;
        return Expand(index, before);
    }

    public static void AtomicAndNot(uint* word, uint bits)
    {
        byte index = IndexOf(word);
        if (Replay.Current.Mutant == Mutant.NoClearOnFailure && Replay.Current.ClearIsNext)
        {
            Replay.Current.ClearIsNext = false;
            return;
        }

        if (Replay.Current.Mutant == Mutant.PlainClear)
        {
            byte value = Replay.Current.Do(new Op(OpKind.Read, index));
            Replay.Current.Do(new Op(OpKind.Write, index, (byte)(value & ~Shrink(bits))));
        }
        else
        {
            Replay.Current.Do(new Op(OpKind.LockedAndNot, index, Shrink(bits)));
        }
    }

    public static void SmpMbBeforeAtomic()
    {
        // In the patcher's program [publish] and [written] take turns.
        bool publish = Replay.Current.BarriersBefore++ % 2 == 0;
        if (!(Programs.IsPatcher && Replay.Current.Mutant == (publish ? Mutant.NoPublishBarrier : Mutant.NoWrittenBarrier)))
        {
            FreeOnX86();
        }
    }

    public static void SmpMbAfterAtomic()
    {
        if (Programs.IsPatcher || Replay.Current.Mutant != Mutant.NoEnterBarrier)
        {
            FreeOnX86();
        }
    }

    public static void SmpRmb()
    {
    }

    public static void SyncCore()
    {
        if (Replay.Current.Mutant != Mutant.NoSyncCore)
        {
            Replay.Current.Do(new Op(OpKind.SyncCore, 0, (byte)(Replay.Current.WriteFailed ? 1 : 0)));
        }
    }

    public static int WriteText(ulong ip, ulong newcode, uint len)
    {
        // A location that does not exist is for the explorer to see, not for us to skip.
        bool fails = Programs.Fails((byte)ip);
        Replay.Current.WriteFailed = fails;
        Replay.Current.ClearIsNext = fails;
        for (byte i = 0; i < len && !fails; i++)
        {
            Replay.Current.Do(new Op(OpKind.WriteText, Word.TextOf((byte)ip, i), (byte)newcode));
        }

        return fails ? -Linux.Errno.EFAULT : 0;
    }

    public static void RelaxPatcher(uint turn) =>
        Replay.Current.Do(new Op(OpKind.Relax, Word.NmiRunning, Replay.Current.LastNmiRunning));

    public static void Park(ulong cookie, void* context) => Replay.Current.Do(new Op(OpKind.Park, 0, (byte)cookie));

    public static void AfterNmi(NmiThread* thread)
    {
    }

    public static void CountDeferredStop()
    {
    }

    public static void SmpMb()
    {
        Op last = Replay.Current.LastWrite;
        switch (Replay.Current.Mutant)
        {
            case Mutant.NoArmBarrier when last.Word == Word.Armed:
            case Mutant.NoBatchBarrier when last.Word == Word.Active && last.Value != 0:
            case Mutant.NoWithdrawBarrier when last.Word == Word.Active && last.Value == 0:
                return;
        }

        Replay.Current.Do(new Op(OpKind.Barrier));
    }

    /// <summary>Text is written location by location, as in place. What is written at once reaches memory in that order.</summary>
    public static int WriteBatch(TextPart part, bool old)
    {
        Replay.Current.LastPart = (part, old);
        Batch batch = Programs.CurrentBatch;
        for (int location = 1; location <= Programs.Locations; location++)
        {
            if (!batch.Contains(location))
            {
                continue;
            }

            if (Programs.Fails(part, old, location))
            {
                return -Linux.Errno.EFAULT;
            }

            WritePart(Replay.Current.Mutant == Mutant.HeadsFirst ? Swapped(part) : part, location, batch.Code(old));
        }

        return 0;
    }

    /// <summary>membarrier, and a serializing instruction on this CPU. Before the first part of a batch: for the gate.</summary>
    public static int SyncCores()
    {
        switch (Replay.Current.LastPart?.Part)
        {
            case null when Replay.Current.Mutant == Mutant.NoGateSync:
            case TextPart.Breakpoint when Replay.Current.Mutant == Mutant.NoBreakpointSync:
            case TextPart.Tail when Replay.Current.Mutant == Mutant.NoTailSync:
            case TextPart.Head when Replay.Current.Mutant == Mutant.NoHeadSync:
                return 0;
        }

        if (Replay.Current.LastPart is { } last && Programs.Fails(last.Part, last.Old, 0))
        {
            return -Linux.Errno.EPERM;
        }

        Replay.Current.Do(new Op(OpKind.SyncAll));
        return 0;
    }

    /// <summary>TrapBatch.Execute: reads which batch it is, looks the location up, and executes its code.</summary>
    public static bool Execute(ulong ip, uint code, void* context)
    {
        byte keys = Replay.Current.Do(new Op(OpKind.Read, Word.Keys));
        Batch batch = Batch.FromWord(keys);
        bool found = batch.Contains((int)ip);
        if (found || keys == 0)
        {
            Replay.Current.Do(new Op(OpKind.Emulate, (byte)ip, batch.Code(code == 0), keys));
        }

        return found;
    }

    public static bool IsBreakpoint(ulong ip) =>
        Replay.Current.Mutant == (Replay.Current.TextReads++ == 0 ? Mutant.NoLookBefore : Mutant.NoLookAfter)
            || Replay.Current.Do(new Op(OpKind.Read, Word.TextOf((int)ip))) == Programs.Breakpoint;

    public static bool UnblockTrap() =>
        Replay.Current.Mutant != Mutant.NoUnblock && Replay.Current.Do(new Op(OpKind.UnblockTrap)) != 0;

    public static void BlockTrap()
    {
        if (Replay.Current.Mutant != Mutant.NoBlock)
        {
            Replay.Current.Do(new Op(OpKind.BlockTrap));
        }
    }

    public static bool Relax(uint* word, uint seen, uint turn) =>
        Replay.Current.Do(new Op(OpKind.Relax, IndexOf(word), (byte)seen)) == 0;

    private static TextPart Swapped(TextPart part) =>
        part == TextPart.Tail ? TextPart.Head : part == TextPart.Head ? TextPart.Tail : part;

    private static void WritePart(TextPart part, int location, byte code)
    {
        switch (part)
        {
            case TextPart.Breakpoint:
                if (Replay.Current.Mutant != Mutant.NoBreakpoint)
                {
                    Replay.Current.Do(new Op(OpKind.WriteText, Word.TextOf(location), Programs.Breakpoint));
                }

                break;
            case TextPart.Head:
                Replay.Current.Do(new Op(OpKind.WriteText, Word.TextOf(location), code));
                break;
            default:
                for (int i = 1; i < Word.InstructionSize; i++)
                {
                    Replay.Current.Do(new Op(OpKind.WriteText, Word.TextOf(location, i), code));
                }

                break;
        }
    }

    /// <summary>The change of a count is no locked instruction: in a mutant of this word, or in <paramref name="either"/>.</summary>
    private static bool IsPlain(byte index, Mutant either) => index switch
    {
        Word.HeldNmis => Replay.Current.Mutant == Mutant.PlainHeld,
        Word.Handlers => Replay.Current.Mutant == Mutant.PlainHandlers,
        _ => Replay.Current.Mutant == either,
    };

    private static bool IsOwn(ulong* word, out byte index)
    {
        byte? own = word == &Thread->Saved ? Word.Saved
            : word == &Thread->StopPending ? Word.StopPending
            : word == &Thread->Held ? Word.Held
            : word == &Thread->Unblocked ? Word.Unblocked
            : null;
        index = own ?? 0;
        return own != null;
    }

    private static void FreeOnX86()
    {
        if (Programs.WeakStores)
        {
            Replay.Current.Do(new Op(OpKind.Barrier));
        }
    }

    private static byte IndexOf(void* word)
    {
        if (word == Gate)
        {
            return Word.Gate;
        }

        nint offset = (nint)word - (nint)Breakpoint;
        if (offset is >= 0 and < 256)
        {
            return offset switch
            {
                0 => Word.Armed,
                4 => Word.Active,
                8 => Word.Code,
                128 => Word.Handlers,
                132 => Word.HeldNmis,
                _ => throw new ArgumentOutOfRangeException(nameof(word)),
            };
        }

        return ((nint)word - (nint)State) switch
        {
            0 => Word.NmiRunning,
            128 => Word.Ip,
            136 => Word.Newcode,
            144 => Word.Len,
            148 => Word.Status,
            _ => throw new ArgumentOutOfRangeException(nameof(word)),
        };
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
