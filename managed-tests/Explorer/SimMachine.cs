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

    public static NmiThread* Thread { get; } = (NmiThread*)NativeMemory.AllocZeroed((nuint)sizeof(NmiThread));

    public static ulong* Gate { get; } = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));

    public static uint Read(uint* word)
    {
        if (word == &State->NmiWaitCount)
        {
            return 0;
        }

        byte index = IndexOf(word);
        if (index == Word.NmiRunning && Replay.Current.Mutant == Mutant.NoSecondWait)
        {
            return 0;
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
        if (word == &Thread->Saved)
        {
            return Replay.Current.Do(new Op(OpKind.ReadOwn, Word.Saved));
        }

        if (word == &Thread->StopPending)
        {
            return Replay.Current.PendingBeforePop ?? Replay.Current.Do(new Op(OpKind.ReadOwn, Word.StopPending));
        }

        return Replay.Current.Do(new Op(OpKind.Read, IndexOf(word)));
    }

    public static void Write(uint* word, uint value)
    {
        if (word != &State->NmiWaitCount)
        {
            Replay.Current.Do(new Op(OpKind.Write, IndexOf(word), (byte)value));
        }
    }

    public static void Write(ulong* word, ulong value)
    {
        if (word == &Thread->Saved)
        {
            Replay.Current.Do(new Op(OpKind.WriteOwn, Word.Saved, (byte)value));
        }
        else if (word == &Thread->StopPending)
        {
            Replay.Current.Do(new Op(OpKind.WriteOwn, Word.StopPending, (byte)value));
        }
        else
        {
            Replay.Current.Do(new Op(OpKind.Write, IndexOf(word), (byte)value));
        }
    }

    public static uint AtomicIncReturn(uint* word)
    {
        if (word != &State->NmiRunning)
        {
            Replay.Current.Do(new Op(OpKind.LockedOther));
            return 0;
        }

        byte value;
        if (Replay.Current.Mutant == Mutant.PlainIncrement)
        {
            value = (byte)(Replay.Current.Do(new Op(OpKind.Read, Word.NmiRunning)) + 1);
            Replay.Current.Do(new Op(OpKind.Write, Word.NmiRunning, value));
        }
        else
        {
            value = Replay.Current.Do(new Op(OpKind.LockedInc, Word.NmiRunning));
        }

        uint result = Expand(Word.NmiRunning, value);
        return Replay.Current.Mutant == Mutant.NmiDoesNotWrite ? result & ~ProtocolState.ModCodeWriteFlag : result;
    }

    public static void AtomicDec(uint* word)
    {
        byte index = IndexOf(word);
        if (Replay.Current.Mutant == Mutant.PlainDecrement)
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
            byte word = (byte)(Word.Text + ((byte)ip - 1) * Word.InstructionSize + i);
            Replay.Current.Do(new Op(OpKind.WriteText, word, (byte)newcode));
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

    public static void SmpMb() => throw new NotImplementedException();

    public static int WriteBatch(Text.TextPart part, bool old) => throw new NotImplementedException();

    public static int SyncCores() => throw new NotImplementedException();

    public static bool Execute(ulong ip, uint code, void* context) => throw new NotImplementedException();

    public static bool IsBreakpoint(ulong ip) => throw new NotImplementedException();

    public static bool UnblockTrap() => throw new NotImplementedException();

    public static void BlockTrap() => throw new NotImplementedException();

    public static bool Relax(uint* word, uint seen, uint turn) => throw new NotImplementedException();

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
