using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The layout of the kernel's <c>function</c> tracer: a line for each entry, with the caller.</summary>
internal sealed class FunctionLayout : IReportLayout, ICallSink
{
    private const int ThreadDigits = 3;

    private readonly ReportWriter _writer;
    private readonly CallTracker _calls;

    public FunctionLayout(ReportWriter writer)
    {
        _writer = writer;
        _calls = new CallTracker(writer.File.Threads.Count, this);
    }

    public void WriteTitle(Utf8Output output)
    {
        int dash = TaskNames.NameWidth;
        int thread = TaskNames.Width + 1;
        int timeEnd = thread + ThreadDigits + 3 + _writer.Time.Width;
        TitleLine.Write(output, [(dash - 4, "TASK-TID"), (thread, "THREAD"), (timeEnd - 9, "TIMESTAMP"), (timeEnd + 2, "FUNCTION")]);
        TitleLine.Write(output, [(dash - 2, "|"), (dash + 2, "|"), (thread + 2, "|"), (timeEnd - 5, "|"), (timeEnd + 6, "|")]);
    }

    public void Add(MergedEvents events)
    {
        ref readonly TraceEvent e = ref events.Current;
        _calls.Add(in e);
        if (!_writer.Shows(e.Time))
        {
            return;
        }

        Utf8Output output = _writer.Output;
        switch (e.Kind)
        {
            case EventKind.FunctionEntry:
                WriteBegin(in e);
                _writer.WriteFunction(e.Address, e.Time);
                _writer.WriteCaller(e.ReturnAddress, e.Time);
                output.Line();
                break;
            case EventKind.Mark:
                WriteBegin(in e);
                output.Write("/* "u8);
                _writer.WriteText(e.Data);
                output.Write(" */\n"u8);
                break;
            case EventKind.Sample:
                WriteBegin(in e);
                output.Write("sample: "u8);
                _writer.WriteSample(in e);
                output.Line();
                break;
            case EventKind.Switched:
                WriteBegin(in e);
                output.Write(e.Address != 0 ? "/* tracing on */\n"u8 : "/* tracing off */\n"u8);
                break;
            case EventKind.Lost:
            case EventKind.Gap:
                WriteBegin(in e);
                _writer.WriteLost(in e);
                output.Line();
                break;
        }
    }

    public void Finish() => _calls.Finish();

    public void OnBegin(in TraceEvent entry)
    {
        if (!_writer.Shows(entry.Time))
        {
            return;
        }

        WriteBegin(in entry);
        _writer.WriteFunction(entry.Address, entry.Time);
        int caller = _calls.Parent(entry.Call);
        if (caller >= 0)
        {
            _writer.Output.Write(" <-"u8);
            _writer.WriteFunction(_calls.AddressOf(caller), _calls.StartOf(caller));
        }

        _writer.Output.Line();
    }

    public void OnEnd(in FinishedCall call)
    {
    }

    private void WriteBegin(in TraceEvent e)
    {
        Utf8Output output = _writer.Output;
        output.Write(_writer.Tasks[e.Thread]).Write(" ["u8);
        output.Write(_writer.File.Threads[e.Thread].Number, ThreadDigits, (byte)'0').Write("] "u8);
        _writer.Time.Write(output, e.Time);
        output.Write(": "u8);
    }
}
