using System;
using Ftrace.Linux;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>Reports to the host text that another tool has changed. The kernel's ftrace_bug().</summary>
internal static unsafe class Report
{
    private const int LineSize = 768;
    private const int LongestName = 200;

    /// <summary>Reports a location that holds unexpected bytes.</summary>
    /// <param name="what">A name for the location. A long one is truncated.</param>
    /// <param name="patch">The location.</param>
    /// <param name="process">The process.</param>
    public static void OtherCode(ReadOnlySpan<byte> what, FtracePatch* patch, ref ProcessView process)
    {
        if (!HostPrint.IsSet)
        {
            return;
        }

        byte* buffer = stackalloc byte[LineSize];
        var line = new ReportLine(buffer, LineSize);
        line.Add("ftrace: "u8);
        line.Add(what[..Math.Min(what.Length, LongestName)]);
        line.Add(" at 0x"u8);
        line.AddHex(patch->Ip);
        line.Add(": expected"u8);
        line.AddBytes(patch->OldCode, (int)patch->Len);
        line.Add(", found"u8);
        byte* found = stackalloc byte[ForeignCode.MostBytes];
        int length = ForeignCode.MostBytes;
        if (!process.TryRead(patch->Ip, new Span<byte>(found, length)))
        {
            length = (int)patch->Len;
            new ReadOnlySpan<byte>((byte*)patch->Ip, length).CopyTo(new Span<byte>(found, length));
        }

        line.AddBytes(found, (int)patch->Len);
        ForeignCode.Describe(
            ref line, patch->Ip, new ReadOnlySpan<byte>(found, length), new ReadOnlySpan<byte>(patch->OldCode, (int)patch->Len), ref process);
        line.Print();
    }
}
