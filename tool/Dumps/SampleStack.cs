using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>The functions of a sample.</summary>
internal static class SampleStack
{
    /// <summary>
    /// The functions, the outermost one first: callers by frame pointers, or, if there are none, the callers of traced calls.
    /// </summary>
    public static List<int> Read(TraceFile file, in TraceEvent sample)
    {
        bool hasFrames = sample.FrameCount != 0;
        int count = hasFrames ? sample.FrameCount : sample.CallCount;
        var functions = new List<int>(count + 1);
        for (int i = count - 1; i >= 0; i--)
        {
            // A return address can be that of the next function, if the call was the last instruction.
            ulong address = hasFrames ? sample.Frame(i) : sample.TracedCall(i);
            functions.Add(file.Symbols.FunctionAt(address - 1, sample.Time));
        }

        functions.Add(file.Symbols.FunctionAt(sample.Address, sample.Time));
        return functions;
    }
}
