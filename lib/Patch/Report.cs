using System;
using Ftrace.Linux;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>Reports to the host text that another tool has changed. The kernel's ftrace_bug().</summary>
internal static unsafe class Report
{
    private const int LineSize = 512;
    private const int LongestName = 200;

    /// <summary>Reports a location that holds unexpected bytes.</summary>
    /// <param name="what">A name for the location. A long one is truncated.</param>
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
