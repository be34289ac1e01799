using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>What to check if there is nothing to show.</summary>
internal static class EmptyHint
{
    /// <param name="output">Where to.</param>
    /// <param name="file">The trace.</param>
    /// <param name="isAll">False: threads or times were selected.</param>
    public static void Write(Utf8Output output, TraceFile file, bool isAll)
    {
        if (isAll)
        {
            ReportHeader.WriteHint(output, file);
            return;
        }

        output.Write("# The trace has no calls and no samples at these times in these threads.\n"u8);
    }
}
