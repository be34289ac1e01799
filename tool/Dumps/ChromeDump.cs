using System;
using System.Collections.Generic;
using System.Globalization;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// The trace event format of Chrome: a JSON object, an event a line, which Perfetto, chrome://tracing and others open. Times are microseconds.
/// </summary>
/// <remarks>
/// Calls are pairs of events (B, E), not single ones (X): those have to be written at the end of a call, after the calls inside it, and
/// readers cannot order two of the same time. Only texts go through System.Text.Json, once a function.
/// </remarks>
internal sealed class ChromeDump : Dump
{
    private readonly Utf8Output _output;

    /// <summary>For each thread what its events have after their type.</summary>
    private readonly byte[][] _threads;

    /// <summary>For each function how the event of a call ends.</summary>
    private byte[]?[] _names = new byte[1024][];
    private bool _isFirst = true;
    private ulong _lost;

    public ChromeDump(TraceFile file, Utf8Output output)
        : base(file)
    {
        _output = output;
        _threads = new byte[file.Threads.Count][];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = System.Text.Encoding.ASCII.GetBytes(string.Create(
                CultureInfo.InvariantCulture, $",\"pid\":{ThreadNames.ProcessId(file)},\"tid\":{file.Threads[i].Id}"));
        }
    }

    public override void Begin(ulong time, IReadOnlyList<TraceThread> threads)
    {
        _output.Write("{\"traceEvents\":[\n"u8);
        WriteMetadata("process_name"u8, 0, ThreadNames.Process(File));
        foreach (TraceThread thread in threads)
        {
            WriteMetadata("thread_name"u8, thread.Index, ThreadNames.Of(File, thread));
        }
    }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
        Start("{\"ph\":\"B\""u8, thread, time);
        _output.Write(Name(function));
        _output.Write(how switch
        {
            SliceBegin.Called => "}"u8,
            SliceBegin.Hidden => ",\"args\":{\"begin\":\"not seen\"}}"u8,
            SliceBegin.Earlier => ",\"args\":{\"begin\":\"earlier\"}}"u8,
            _ => ",\"args\":{\"begin\":\"continued\"}}"u8,
        });
    }

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
        Start("{\"ph\":\"E\""u8, thread, time);
        _output.Write(how switch
        {
            SliceEnd.Returned => "}"u8,
            SliceEnd.Tail => ",\"args\":{\"end\":\"tail call\"}}"u8,
            SliceEnd.Unwound => ",\"args\":{\"end\":\"unwound\"}}"u8,
            SliceEnd.NotSeen => ",\"args\":{\"end\":\"not seen\"}}"u8,
            SliceEnd.Unfinished => ",\"args\":{\"end\":\"unfinished\"}}"u8,
            _ => ",\"args\":{\"end\":\"continues\"}}"u8,
        });
    }

    public override void OnEntry(int thread, ulong time, int function)
    {
        Start("{\"ph\":\"i\",\"s\":\"t\""u8, thread, time);
        _output.Write(Name(function)).Write((byte)'}');
    }

    public override void OnMark(int thread, ulong time, ReadOnlySpan<byte> text)
    {
        Start("{\"ph\":\"i\",\"s\":\"t\""u8, thread, time);
        _output.Write(",\"cat\":\"mark\",\"name\":"u8).Write(TextEscape.Json(text)).Write((byte)'}');
    }

    public override void OnSample(int thread, ulong time, in TraceEvent sample)
    {
        Start("{\"ph\":\"i\",\"s\":\"t\""u8, thread, time);
        _output.Write(",\"cat\":\"sample\",\"name\":\"sample\",\"args\":{\"stack\":["u8);
        List<int> stack = SampleStack.Read(File, in sample);
        for (int i = 0; i < stack.Count; i++)
        {
            _output.Write(i == 0 ? ""u8 : ","u8).Write(TextEscape.Json(Symbols.Name(stack[i])));
        }

        _output.Write("]}}"u8);
    }

    public override void OnLost(int thread, ulong time, ulong count, bool isBlocks)
    {
        _lost += isBlocks ? 0 : count;
        Start("{\"ph\":\"i\",\"s\":\"t\""u8, thread, time);
        _output.Write(",\"cat\":\"lost\",\"name\":\"events lost\",\"args\":{"u8).Write(isBlocks ? "\"blocks\":"u8 : "\"events\":"u8).Write(count).Write("}}"u8);
    }

    public override void OnSwitched(int thread, ulong time, bool isOn)
    {
        Start("{\"ph\":\"i\",\"s\":\"p\""u8, thread, time);
        _output.Write(",\"cat\":\"recorder\",\"name\":\""u8).Write(isOn ? "recording on"u8 : "recording off"u8).Write("\"}"u8);
    }

    public override void End(ulong time)
    {
        _output.Write("\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\""u8);
        WriteOther(",\n\"executable\":"u8, File.Process.Executable);
        WriteOther(",\n\"arguments\":"u8, string.Join(' ', File.Process.Arguments));
        WriteOther(",\n\"host\":"u8, File.Process.HostName);
        WriteOther(",\n\"recorded by\":"u8, $"libftrace {File.Header.LibraryVersion}");
        _output.Write(",\n\"events lost\":"u8).Write(Math.Max(File.Lost, _lost)).Write("}}\n"u8);
    }

    private void WriteMetadata(ReadOnlySpan<byte> kind, int thread, string name)
    {
        if (_threads.Length == 0)
        {
            return;
        }

        Separate();
        _output.Write("{\"ph\":\"M\",\"name\":\""u8).Write(kind).Write((byte)'"').Write(_threads[thread]);
        _output.Write(",\"args\":{\"name\":"u8).Write(TextEscape.Json(name)).Write("}}"u8);
    }

    private void WriteOther(ReadOnlySpan<byte> key, string text) => _output.Write(key).Write(TextEscape.Json(text));

    private void Start(ReadOnlySpan<byte> kind, int thread, ulong time)
    {
        Separate();
        _output.Write(kind).Write(_threads[thread]).Write(",\"ts\":"u8).WriteFixed(time, 1000, 3);
    }

    private void Separate()
    {
        _output.Write(_isFirst ? ""u8 : ",\n"u8);
        _isFirst = false;
    }

    private byte[] Name(int function)
    {
        if (function >= _names.Length)
        {
            Array.Resize(ref _names, Math.Max(_names.Length * 2, function + 1));
        }

        return _names[function] ??= [.. ",\"cat\":\"function\",\"name\":"u8, .. TextEscape.Json(Symbols.Name(function))];
    }
}
