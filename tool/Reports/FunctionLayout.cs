using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The layout of the kernel's <c>function</c> tracer: a line for each entry, with the caller.</summary>
internal sealed class FunctionLayout(ReportWriter writer) : IReportLayout, ICallSink
{
    private const int ThreadDigits = 3;

    private CallTracker _calls = null!;

    public void WriteTitle()
    {
        int dash = TaskNames.NameWidth;
        int thread = TaskNames.Width + 1;
        int timeEnd = thread + ThreadDigits + 3 + writer.Time.Width;
        TitleLine.Write(writer.Output, [(dash - 4, "TASK-TID"), (thread, "THREAD"), (timeEnd - 9, "TIMESTAMP"), (timeEnd + 2, "FUNCTION")]);
        TitleLine.Write(writer.Output, [(dash - 2, "|"), (dash + 2, "|"), (thread + 2, "|"), (timeEnd - 5, "|"), (timeEnd + 6, "|")]);
    }

    public void Begin() => _calls = new CallTracker(writer.File.Threads.Count, this);

    public void Add(MergedEvents events)
    {
        ref readonly TraceEvent e = ref events.Current;
        _calls.Add(in e);
        if (!writer.Shows(e.Time))
        {
            return;
        }

        Utf8Output output = writer.Output;
        switch (e.Kind)
        {
            case EventKind.FunctionEntry:
                WriteBegin(in e);
                writer.WriteFunction(e.Address, e.Time);
                writer.WriteCaller(e.ReturnAddress, e.Time);
                output.Line();
                break;
            case EventKind.Mark:
                WriteBegin(in e);
                output.Write("/* "u8);
                writer.WriteText(e.Data);
                output.Write(" */\n"u8);
                break;
            case EventKind.Sample:
                WriteBegin(in e);
                output.Write("sample: "u8);
                writer.WriteSample(in e);
                output.Line();
                break;
            case EventKind.Switched:
                WriteBegin(in e);
                output.Write(e.Address != 0 ? "/* tracing on */\n"u8 : "/* tracing off */\n"u8);
                break;
            case EventKind.Lost:
            case EventKind.Gap:
                WriteBegin(in e);
                writer.WriteLost(in e);
                output.Line();
                break;
        }
    }

    public void Finish()
    {
    }

    public void OnBegin(in TraceEvent entry)
    {
        if (!writer.Shows(entry.Time))
        {
            return;
        }

        WriteBegin(in entry);
        writer.WriteFunction(entry.Address, entry.Time);
        int caller = _calls.Parent(entry.Call);
        if (caller >= 0)
        {
            writer.Output.Write(" <-"u8);
            writer.WriteFunction(_calls.AddressOf(caller), _calls.StartOf(caller));
        }

        writer.Output.Line();
    }

    public void OnEnd(in FinishedCall call)
    {
    }

    private void WriteBegin(in TraceEvent e)
    {
        Utf8Output output = writer.Output;
        output.Write(writer.Tasks[e.Thread]).Write(" ["u8);
        output.Write(writer.File.Threads[e.Thread].Number, ThreadDigits, (byte)'0').Write("] "u8);
        writer.Time.Write(output, e.Time);
        output.Write(": "u8);
    }
}
