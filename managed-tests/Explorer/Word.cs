namespace Ftrace.Tests.Explorer;

/// <summary>The words of the simulated machine.</summary>
internal static class Word
{
    public const byte Gate = 0;
    public const byte NmiRunning = 1;
    public const byte Ip = 2;
    public const byte Newcode = 3;
    public const byte Len = 4;
    public const byte Status = 5;

    // Of the breakpoint method:
    public const byte Armed = 6;
    public const byte HeldNmis = 7;
    public const byte Active = 8;
    public const byte Code = 9;
    public const byte Handlers = 10;

    /// <summary>Stands for Keys and Count, which are written and read together: which batch it is, as <see cref="Batch.Word"/>.</summary>
    public const byte Keys = 11;

    // Of the release:
    public const byte SerializeParked = 12;

    /// <summary>The first byte of text; two a location.</summary>
    public const byte Text = 13;

    /// <summary>Own words of a thread.</summary>
    public const byte Saved = 0;
    public const byte StopPending = 1;
    public const byte Held = 2;
    public const byte Unblocked = 3;

    // Of the patcher's:
    public const byte TextChanged = 4;
    public const byte Killed = 5;

    /// <summary>How many there are.</summary>
    public const int Own = 6;

    /// <summary>Bytes of an instruction: two are enough to be torn.</summary>
    public const int InstructionSize = 2;

    /// <summary>Bit of a byte that stands for MOD_CODE_WRITE_FLAG.</summary>
    public const byte WriteFlag = 0x80;

    /// <summary>A byte of the location's text; the locations are numbered from 1, which is also their address.</summary>
    public static byte TextOf(int location, int at = 0) => (byte)(Text + (location - 1) * InstructionSize + at);

    /// <summary>The location of a byte of text.</summary>
    public static int LocationOf(byte word) => (word - Text) / InstructionSize + 1;
}
