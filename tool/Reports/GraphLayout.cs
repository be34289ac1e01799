using System;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>The layout of the kernel's <c>function_graph</c> tracer: calls as a C program, with their durations.</summary>
internal sealed class GraphLayout : IReportLayout, ICallSink
{
    private const int Indentation = 2;

    /// <summary>Calls that are nested deeper are indented as these.</summary>
    private const int MaxIndented = 64;

    /// <summary><see cref="CallTracker.Tag"/> of a call that has one line for both ends.</summary>
    private const int Leaf = 1;

    private readonly ReportWriter _writer;
    private readonly CallTracker _calls;

    /// <summary>How the next call that begins will end, if nothing comes before.</summary>
    private TraceEvent _end;
    private bool _isLeaf;

    public GraphLayout(ReportWriter writer)
    {
        _writer = writer;
        _calls = new CallTracker(writer.File.Threads.Count, this);
    }

    public void WriteTitle(Utf8Output output)
    {
        int time = _writer.Time.Width;
        int task = time + 3;
        int duration = task + TaskNames.Width + 3;
        int calls = duration + DurationColumn.Width + 3;
        int dash = task + TaskNames.NameWidth;
        TitleLine.Write(output, [(time / 2, "TIME"), (dash - 4, "TASK-TID"), (duration + 2, "DURATION"), (calls, "FUNCTION CALLS")]);
        TitleLine.Write(output, [(time / 2 + 2, "|"), (dash - 2, "|"), (dash + 2, "|"), (duration + 4, "|   |"), (calls, "|   |   |   |")]);
    }

    public void Add(MergedEvents events)
    {
        ref readonly TraceEvent e = ref events.Current;
        _isLeaf = e.Kind == EventKind.Entry && events.TryPeek(out _end) && _end.IsEnd && _end.Call == e.Call && _end.Address == e.Address;
        _calls.Add(in e);
        if (e.Kind >= EventKind.FunctionEntry && _writer.Shows(e.Time))
        {
            WriteOther(in e);
        }
    }

    public void Finish() => _calls.Finish();

    public void OnBegin(in TraceEvent entry)
    {
        if (!_writer.Shows(entry.Time))
        {
            return;
        }

        Utf8Output output = _writer.Output;
        WriteBegin(entry.Time, entry.Thread);
        if (!_isLeaf)
        {
            DurationColumn.WriteEmpty(output);
            Indent(_calls.Depth(entry.Call));
            _writer.WriteCall(entry.Address, entry.Time);
            output.Write(" {\n"u8);
            return;
        }

        _calls.Tag(entry.Call) = Leaf;
        WriteDuration(entry.Time, _end.Time);
        Indent(_calls.Depth(entry.Call));
        _writer.WriteCall(entry.Address, entry.Time);
        output.Write((byte)';');
        string? end = DescriptionOf(_end.Kind switch
        {
            EventKind.Tail => CallEnd.Tail,
            EventKind.Unwound => CallEnd.Unwound,
            _ => CallEnd.Returned,
        });
        if (end != null)
        {
            output.Write(" /* "u8).Write(end).Write(" */"u8);
        }

        output.Line();
    }

    public void OnEnd(in FinishedCall call)
    {
        // At the end of the trace those that were not shown do not matter.
        bool isShown = call.Tag != Leaf && _writer.Shows(call.End) && (call.How != CallEnd.Unfinished || _writer.Shows(call.Start));
        if (!isShown)
        {
            return;
        }

        Utf8Output output = _writer.Output;
        WriteBegin(call.End, call.EndThread);
        if (call.HasDuration)
        {
            WriteDuration(call.Start, call.End);
        }
        else
        {
            DurationColumn.WriteEmpty(output);
        }

        Indent(call.Depth);
        output.Write("} /* "u8);
        _writer.WriteFunction(call.Address, call.HasBeginning ? call.Start : call.End);
        string? end = DescriptionOf(call.How);
        if (end != null)
        {
            output.Write(", "u8).Write(end);
        }

        if (!call.HasBeginning)
        {
            output.Write(", entry not seen"u8);
        }
        else if (call.Thread != call.EndThread)
        {
            output.Write(", called in "u8).Write(TaskNames.Of(_writer.File, _writer.File.Threads[call.Thread]));
        }

        output.Write(" */\n"u8);
    }

    private static string? DescriptionOf(CallEnd how) => how switch
    {
        CallEnd.Tail => "tail call",
        CallEnd.Unwound => "unwound",
        CallEnd.NotSeen => "exit not seen",
        CallEnd.Unfinished => "still running",
        _ => null,
    };

    private void WriteOther(in TraceEvent e)
    {
        Utf8Output output = _writer.Output;
        WriteBegin(e.Time, e.Thread);
        DurationColumn.WriteEmpty(output);
        int innermost = _calls.Innermost(e.Thread);
        Indent(innermost >= 0 ? _calls.Depth(innermost) + 1 : 0);
        output.Write("/* "u8);
        switch (e.Kind)
        {
            case EventKind.Mark:
                _writer.WriteText(e.Data);
                break;
            case EventKind.Sample:
                output.Write("sample: "u8);
                _writer.WriteSample(in e);
                break;
            case EventKind.FunctionEntry:
                _writer.WriteFunction(e.Address, e.Time);
                _writer.WriteCaller(e.ReturnAddress, e.Time);
                break;
            case EventKind.Switched:
                output.Write(e.Address != 0 ? "tracing on"u8 : "tracing off"u8);
                break;
            default:
                _writer.WriteLost(in e);
                break;
        }

        output.Write(" */\n"u8);
    }

    private void WriteBegin(ulong time, int thread)
    {
        _writer.Time.Write(_writer.Output, time);
        _writer.Output.Write(" | "u8).Write(_writer.Tasks[thread]).Write(" | "u8);
    }

    private void WriteDuration(ulong start, ulong end)
    {
        ulong duration = _writer.File.Clock.Between(start, end);
        byte mark = DurationColumn.MarkOf(duration);
        if (!_writer.Options.Colours || mark == ' ')
        {
            DurationColumn.Write(_writer.Output, duration);
            return;
        }

        // Yellow, from 10 ms on red.
        _writer.Output.Write(mark is (byte)'+' or (byte)'!' or (byte)'#' ? "\u001b[33m"u8 : "\u001b[31m"u8);
        DurationColumn.Write(_writer.Output, duration);
        _writer.Output.Write("\u001b[0m"u8);
    }

    private void Indent(int depth) => _writer.Output.Write("|  "u8).Fill((byte)' ', Math.Min(depth, MaxIndented) * Indentation);
}
