namespace Ftrace.Tests.Explorer;

/// <summary>The words of the simulated machine, with the addresses under which the protocol knows them.</summary>
internal static class Word
{
    public const byte Gate = 0;
    public const byte NmiRunning = 1;
    public const byte Ip = 2;
    public const byte Newcode = 3;
    public const byte Len = 4;
    public const byte Status = 5;

    /// <summary>The first byte of text; two a location.</summary>
    public const byte Text = 6;

    /// <summary>Own words of a thread.</summary>
    public const byte Saved = 0;
    public const byte StopPending = 1;

    /// <summary>Bytes of an instruction: two are enough to be torn.</summary>
    public const int InstructionSize = 2;

    /// <summary>Bit of a byte that stands for MOD_CODE_WRITE_FLAG.</summary>
    public const byte WriteFlag = 0x80;
}
