using System;
using System.Buffers.Text;
using System.Collections.Generic;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tool.Dumps;

/// <summary>
/// The file format of speedscope (https://www.speedscope.app/file-format-schema.json): an evented profile a thread. Times are nanoseconds
/// since the first event. Samples, or entries without exits, are one sampled profile more: each distinct stack with its number.
/// </summary>
internal sealed class SpeedscopeDump : TreeDump, IDisposable
{
    private const int MaxEvent = 96;

    private readonly Utf8Output _output;
    private readonly Spool _spool;
    private readonly ulong[] _last;
    private ulong _begin;
    private bool _isFirstProfile = true;

    public SpeedscopeDump(TraceFile file, Utf8Output output, int maxNodes = DefaultMaxNodes)
        : base(file, maxNodes)
    {
        _output = output;
        _spool = new Spool(file.Threads.Count);
        _last = new ulong[file.Threads.Count];
    }

    public void Dispose() => _spool.Dispose();

    public override void Begin(ulong time, IReadOnlyList<TraceThread> threads)
    {
        _begin = time;
        _output.Write("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\":"u8);
        _output.Write(TextEscape.Json($"libftrace {File.Header.LibraryVersion}"));
        _output.Write(",\n\"name\":"u8).Write(TextEscape.Json(ThreadNames.Process(File))).Write(",\n\"profiles\":["u8);
    }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how) => Add(thread, time, function, (byte)'O');

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how) => Add(thread, time, function, (byte)'C');

    protected override void Write(CallTree tree)
    {
        for (int thread = 0; thread < _last.Length; thread++)
        {
            if (!_spool.IsEmpty(thread))
            {
                WriteThread(thread);
            }
        }

        if (tree.Count > 1)
        {
            WriteStacks(tree);
        }

        _output.Write("\n],\n\"shared\":{\"frames\":["u8);
        for (int function = 0; function < Symbols.Count; function++)
        {
            _output.Write(function == 0 ? "\n{\"name\":"u8 : ",\n{\"name\":"u8).Write(TextEscape.Json(Symbols.Name(function)));
            if (Symbols.ObjectOf(function) is { } target)
            {
                _output.Write(",\"file\":"u8).Write(TextEscape.Json(target.Path));
            }

            _output.Write((byte)'}');
        }

        _output.Write("\n]}}\n"u8);
    }

    private void Add(int thread, ulong time, int function, byte type)
    {
        Span<byte> room = _spool.Buffers.Room(thread, MaxEvent);
        "{\"type\":\""u8.CopyTo(room);
        int length = 9;
        room[length++] = type;
        "\",\"frame\":"u8.CopyTo(room[length..]);
        length += 10;
        Utf8Formatter.TryFormat(function, room[length..], out int digits);
        length += digits;
        ",\"at\":"u8.CopyTo(room[length..]);
        length += 6;
        Utf8Formatter.TryFormat(time - _begin, room[length..], out digits);
        length += digits;
        "},\n"u8.CopyTo(room[length..]);
        _spool.Buffers.Add(thread, length + 3);
        _last[thread] = time - _begin;
    }

    private void WriteThread(int thread)
    {
        StartProfile("evented"u8, $"{ThreadNames.Of(File, File.Threads[thread])} ({File.Threads[thread].Id})", "nanoseconds"u8, _last[thread]);
        _output.Write(",\"events\":[\n"u8);
        bool isFirst = true;
        _spool.Read(thread, piece =>
        {
            // Pieces end with a comma and a newline, and the last one must not.
            _output.Write(isFirst ? ""u8 : ",\n"u8).Write(piece.Span[..^2]);
            isFirst = false;
        });
        _output.Write("]}"u8);
    }

    private void WriteStacks(CallTree tree)
    {
        ulong sum = 0;
        for (int node = 1; node < tree.Count; node++)
        {
            sum += tree[node].Self;
        }

        StartProfile("sampled"u8, Unit, "none"u8, sum);
        _output.Write(",\"samples\":[\n"u8);
        bool isFirst = true;
        var stack = new List<int>();
        for (int node = 1; node < tree.Count; node++)
        {
            if (tree[node].Self == 0)
            {
                continue;
            }

            stack.Clear();
            for (int frame = node; frame > CallTree.Root; frame = tree[frame].Caller)
            {
                stack.Add(tree[frame].Function);
            }

            _output.Write(isFirst ? "["u8 : ",\n["u8);
            isFirst = false;
            bool isOutermost = true;
            for (int i = stack.Count - 1; i >= 0; i--)
            {
                if (stack[i] >= 0) // not the name of a thread
                {
                    _output.Write(isOutermost ? ""u8 : ","u8).Write((ulong)stack[i]);
                    isOutermost = false;
                }
            }

            _output.Write((byte)']');
        }

        _output.Write("],\"weights\":["u8);
        isFirst = true;
        for (int node = 1; node < tree.Count; node++)
        {
            if (tree[node].Self != 0)
            {
                _output.Write(isFirst ? ""u8 : ","u8).Write(tree[node].Self);
                isFirst = false;
            }
        }

        _output.Write("]}"u8);
    }

    private void StartProfile(ReadOnlySpan<byte> type, string name, ReadOnlySpan<byte> unit, ulong end)
    {
        _output.Write(_isFirstProfile ? "\n{\"type\":\""u8 : ",\n{\"type\":\""u8).Write(type);
        _isFirstProfile = false;
        _output.Write("\",\"name\":"u8).Write(TextEscape.Json(name)).Write(",\"unit\":\""u8).Write(unit);
        _output.Write("\",\"startValue\":0,\"endValue\":"u8).Write(end);
    }
}
