using System.Runtime.InteropServices;

namespace Ftrace.Record;

/// <summary>The control area in the first page of the trace file: docs/control.md. Other processes write to it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4096)]
internal unsafe struct ControlPage
{
    public const uint MagicNumber = 0x54435446; // "FTCT"
    public const uint CurrentVersion = 1;

    /// <summary>The longest text of a request, and of an answer.</summary>
    public const int LongestText = 1024;

    /// <summary>In <see cref="Flags"/>: keep the patterns that there are.</summary>
    public const uint Add = 1;

    private const int Start = 256;
    private const int RequestStart = Start + 64;
    private const int AnswerStart = RequestStart + 16 + LongestText + 48;

    [FieldOffset(Start)] public uint Magic;
    [FieldOffset(Start + 4)] public uint Version;

    /// <summary>Counts requests; a futex.</summary>
    [FieldOffset(Start + 8)] public uint Requested;

    /// <summary>The request that was answered last; a futex.</summary>
    [FieldOffset(Start + 12)] public uint Answered;

    [FieldOffset(RequestStart)] public uint Kind;
    [FieldOffset(RequestStart + 4)] public uint Flags;
    [FieldOffset(RequestStart + 8)] public uint Length;
    [FieldOffset(RequestStart + 16)] public fixed byte Text[LongestText];

    [FieldOffset(AnswerStart)] public int Error;
    [FieldOffset(AnswerStart + 4)] public uint AnswerLength;
    [FieldOffset(AnswerStart + 16)] public fixed byte AnswerText[LongestText];
}
