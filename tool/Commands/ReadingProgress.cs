using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Commands;

/// <summary>Shows how much of a trace was read.</summary>
internal static class ReadingProgress
{
    /// <param name="file">The trace.</param>
    /// <param name="selection">What is read of it.</param>
    /// <param name="passes">How often.</param>
    /// <param name="isWanted">False: nothing is shown.</param>
    public static Progress Of(TraceFile file, EventSelection selection, int passes = 1, bool isWanted = true)
    {
        Progress progress = Progress.OnTerminal(isWanted);
        progress.Expect(selection.CountBlocks(file) * passes);
        file.BlockRead = progress.Advance;
        return progress;
    }
}
