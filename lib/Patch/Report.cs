using System;
using Ftrace.Linux;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>What is said to the host of text that somebody else has changed. The kernel's ftrace_bug().</summary>
internal static unsafe class Report
{
    private const int LineSize = 512;
    private const int LongestName = 200;

    /// <summary>Something else stands at a location than what we left there.</summary>
    /// <param name="what">What the location is; its start, if that is long.</param>
    /// <param name="patch">The location.</param>
    public static void OtherCode(ReadOnlySpan<byte> what, FtracePatch* patch)
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
        line.AddBytes((byte*)patch->Ip, (int)patch->Len);
        line.Print();
    }
}
