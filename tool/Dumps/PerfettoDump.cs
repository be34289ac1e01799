using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Text;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>Perfetto's protobuf format: track events with interned names, in compressed packets.</summary>
/// <remarks>
/// Written by hand and not with Google.Protobuf: it is fifty fields of messages that are otherwise generated from Perfetto's schema, three
/// objects would be made for each event, and the build would need protoc. The numbers of the fields are those of protos/perfetto/trace in
/// Perfetto's repository; names of messages and fields are in the comments.
/// All packets are of one sequence. Names are interned at their first use, and nothing is ever forgotten, so the state is cleared once.
/// </remarks>
internal sealed class PerfettoDump : Dump
{
    private const int BufferSize = 512 * 1024;

    /// <summary>What an event takes at most, its annotation aside.</summary>
    private const int MaxEvent = 64;

    private const ulong SequenceId = 1;
    private const ulong ProcessTrack = 1;
    private const ulong FirstThreadTrack = 2;
    private const ulong ClockMonotonic = 3;
    private const ulong ClockRealtime = 1;
    private const ulong UnknownMapping = 1;

    /// <summary>Distinct stacks of samples that are remembered.</summary>
    private const int MaxCallstacks = 200_000;

    // TracePacket
    private const int ClockSnapshotField = 6;
    private const int TimestampField = 8;
    private const int SequenceIdField = 10;
    private const int TrackEventField = 11;
    private const int InternedDataField = 12;
    private const int SequenceFlagsField = 13;
    private const int CompressedPacketsField = 50;
    private const int DefaultsField = 59;
    private const int TrackDescriptorField = 60;
    private const int PerfSampleField = 66;
    private const ulong StateCleared = 1;
    private const ulong NeedsState = 2;

    // TrackEvent.Type
    private const byte SliceBeginType = 1;
    private const byte SliceEndType = 2;
    private const byte InstantType = 3;

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly MemoryStream _compressed = new();
    private readonly ProtobufWriter _packet = new();
    private readonly ProtobufWriter _inner = new();
    private readonly ProtobufWriter _innermost = new();
    private readonly HashSet<int> _mappings = [];
    private readonly Dictionary<string, ulong> _callstacks = [];
    private bool[] _hasName = new bool[1024];
    private bool[] _hasFrame = new bool[1024];
    private int _used;

    public PerfettoDump(TraceFile file, Stream stream)
        : base(file)
    {
        _stream = stream;
    }

    public override void Begin(ulong time, IReadOnlyList<TraceThread> threads)
    {
        WriteDefaults();
        WriteClocks();
        WriteProcess();
        foreach (TraceThread thread in threads)
        {
            WriteThread(thread.Index);
        }
    }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
        InternName(function);
        switch (how)
        {
            case SliceBegin.Called:
                WriteEvent(thread, time, SliceBeginType, function);
                break;
            case SliceBegin.Hidden:
                WriteAnnotated(thread, time, SliceBeginType, function, null, "begin", "not seen");
                break;
            case SliceBegin.Earlier:
                WriteAnnotated(thread, time, SliceBeginType, function, null, "begin", "earlier");
                break;
            case SliceBegin.Continued:
                WriteAnnotated(thread, time, SliceBeginType, function, null, "begin", "continued");
                break;
        }
    }

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
        string? text = how switch
        {
            SliceEnd.Returned => null,
            SliceEnd.Tail => "tail call",
            SliceEnd.Unwound => "unwound",
            SliceEnd.NotSeen => "not seen",
            SliceEnd.Unfinished => "unfinished",
            _ => "continues",
        };
        if (text == null)
        {
            WriteEvent(thread, time, SliceEndType, -1);
            return;
        }

        WriteAnnotated(thread, time, SliceEndType, -1, null, "end", text);
    }

    public override void OnEntry(int thread, ulong time, int function)
    {
        InternName(function);
        WriteEvent(thread, time, InstantType, function);
    }

    public override void OnMark(int thread, ulong time, ReadOnlySpan<byte> text) =>
        WriteAnnotated(thread, time, InstantType, -1, Encoding.UTF8.GetString(text), null, null);

    public override void OnLost(int thread, ulong time, ulong count, bool isBlocks) => WriteAnnotated(
        thread, time, InstantType, -1, "events lost", isBlocks ? "blocks" : "events", count.ToString(CultureInfo.InvariantCulture));

    public override void OnSwitched(int thread, ulong time, bool isOn) =>
        WriteAnnotated(thread, time, InstantType, -1, isOn ? "recording on" : "recording off", null, null);

    public override void OnSample(int thread, ulong time, in TraceEvent sample)
    {
        ulong callstack = InternCallstack(SampleStack.Read(File, in sample));
        _inner.Clear().Number(1, 0).Number(2, (ulong)ThreadNames.ProcessId(File)).Number(3, (ulong)File.Threads[thread].Id); // cpu, pid, tid
        if (callstack != 0)
        {
            _inner.Number(4, callstack); // callstack_iid
        }

        _inner.Number(5, 2).Number(6, 1); // cpu_mode: user; timebase_count
        Packet(time).Message(PerfSampleField, _inner);
        FinishPacket();
    }

    public override void End(ulong time) => Flush();

    private void WriteDefaults()
    {
        _ = ulong.TryParse(File.Options.GetValueOrDefault("hz"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong frequency);
        _innermost.Clear().Number(2, Math.Max(frequency, 1)).Number(4, 1); // PerfEvents.Timebase: frequency; counter: SW_CPU_CLOCK
        _inner.Clear().Message(1, _innermost); // PerfSampleDefaults: timebase
        _innermost.Clear().Message(12, _inner).Number(58, ClockMonotonic); // TracePacketDefaults: perf_sample_defaults, timestamp_clock_id
        _packet.Clear().Number(SequenceIdField, SequenceId).Number(SequenceFlagsField, StateCleared).Message(DefaultsField, _innermost);
        FinishPacket();
    }

    /// <summary>Without it times would be taken for those of another clock.</summary>
    private void WriteClocks()
    {
        ulong start = File.Header.Start.Time;
        _inner.Clear();
        _inner.Message(1, _innermost.Clear().Number(1, ClockMonotonic).Number(2, File.Clock.ToMonotonic(start))); // clocks: clock_id, timestamp
        if (File.Header.Start.Realtime != 0)
        {
            _inner.Message(1, _innermost.Clear().Number(1, ClockRealtime).Number(2, File.Clock.ToRealtime(start)));
        }

        _inner.Number(2, ClockMonotonic); // primary_trace_clock
        _packet.Clear().Number(SequenceIdField, SequenceId).Message(ClockSnapshotField, _inner);
        FinishPacket();
    }

    private void WriteProcess()
    {
        _inner.Clear().Number(1, (ulong)ThreadNames.ProcessId(File)); // ProcessDescriptor: pid, cmdline, process_name
        foreach (string argument in File.Process.Arguments)
        {
            _inner.Text(2, argument);
        }

        _inner.Text(6, ThreadNames.Process(File));
        _innermost.Clear().Number(1, ProcessTrack).Message(3, _inner); // TrackDescriptor: uuid, process
        _packet.Clear().Number(SequenceIdField, SequenceId).Message(TrackDescriptorField, _innermost);
        FinishPacket();
    }

    private void WriteThread(int thread)
    {
        // ThreadDescriptor: pid, tid, thread_name
        _inner.Clear().Number(1, (ulong)ThreadNames.ProcessId(File)).Number(2, (ulong)File.Threads[thread].Id);
        _inner.Text(5, ThreadNames.Of(File, File.Threads[thread]));
        _innermost.Clear().Number(1, FirstThreadTrack + (ulong)thread).Number(5, ProcessTrack).Message(4, _inner); // uuid, parent_uuid, thread
        _packet.Clear().Number(SequenceIdField, SequenceId).Message(TrackDescriptorField, _innermost);
        FinishPacket();
    }

    /// <summary>The most frequent packets, straight into the buffer.</summary>
    private void WriteEvent(int thread, ulong time, byte type, int function)
    {
        if (BufferSize - _used < MaxEvent)
        {
            Flush();
        }

        // Both lengths, of the packet and of the event in it, are less than 128: one byte each.
        Span<byte> packet = _buffer.AsSpan(_used, MaxEvent);
        packet[0] = 1 << 3 | 2; // Trace.packet
        packet[2] = TimestampField << 3;
        int place = ProtobufWriter.PutVarint(packet, 3, time);
        packet[place++] = SequenceIdField << 3;
        packet[place++] = (byte)SequenceId;
        packet[place++] = SequenceFlagsField << 3;
        packet[place++] = (byte)NeedsState;
        packet[place] = TrackEventField << 3 | 2;
        int start = place + 2;
        packet[start] = 9 << 3; // TrackEvent: type, track_uuid, name_iid
        packet[start + 1] = type;
        packet[start + 2] = 11 << 3;
        int end = ProtobufWriter.PutVarint(packet, start + 3, FirstThreadTrack + (ulong)thread);
        if (function >= 0)
        {
            packet[end] = 10 << 3;
            end = ProtobufWriter.PutVarint(packet, end + 1, (ulong)function + 1);
        }

        packet[place + 1] = (byte)(end - start);
        packet[1] = (byte)(end - 2);
        _used += end;
    }

    private void WriteAnnotated(int thread, ulong time, byte type, int function, string? name, string? key, string? value)
    {
        _inner.Clear().Number(9, type).Number(11, FirstThreadTrack + (ulong)thread);
        if (function >= 0)
        {
            _inner.Number(10, (ulong)function + 1);
        }

        if (name != null)
        {
            _inner.Text(23, name); // name
        }

        if (key != null)
        {
            _inner.Message(4, _innermost.Clear().Text(10, key).Text(6, value!)); // debug_annotations: name, string_value
        }

        Packet(time).Message(TrackEventField, _inner);
        FinishPacket();
    }

    private void InternName(int function)
    {
        if (function < _hasName.Length && _hasName[function])
        {
            return;
        }

        Mark(ref _hasName, function);
        _innermost.Clear().Number(1, (ulong)function + 1).Data(2, Symbols.Name(function)); // EventName: iid, name
        WriteInterned(_inner.Clear().Message(2, _innermost)); // event_names
    }

    /// <summary>The number of a stack; 0: there are too many.</summary>
    private ulong InternCallstack(List<int> functions)
    {
        string key = string.Join(',', functions);
        if (_callstacks.TryGetValue(key, out ulong number))
        {
            return number;
        }

        if (_callstacks.Count == MaxCallstacks)
        {
            return 0;
        }

        functions.ForEach(InternFrame);
        number = (ulong)_callstacks.Count + 1;
        _callstacks.Add(key, number);
        _innermost.Clear().Number(1, number); // Callstack: iid, frame_ids, the outermost first
        functions.ForEach(function => _innermost.Number(2, (ulong)function + 1));
        WriteInterned(_inner.Clear().Message(7, _innermost)); // callstacks
        return number;
    }

    private void InternFrame(int function)
    {
        if (function < _hasFrame.Length && _hasFrame[function])
        {
            return;
        }

        Mark(ref _hasFrame, function);
        TraceObject? target = Symbols.ObjectOf(function);
        ulong mapping = InternMapping(target);
        _inner.Clear().Message(5, _innermost.Clear().Number(1, (ulong)function + 1).Data(2, Symbols.Name(function))); // function_names: iid, str
        _innermost.Clear().Number(1, (ulong)function + 1).Number(2, (ulong)function + 1).Number(3, mapping); // Frame: iid, function_name_id, mapping_id
        _innermost.Number(4, Symbols.AddressOf(function) - (target?.LoadAddress ?? 0)); // rel_pc
        WriteInterned(_inner.Message(6, _innermost)); // frames
    }

    private ulong InternMapping(TraceObject? target)
    {
        ulong number = target == null ? UnknownMapping : UnknownMapping + 1 + (ulong)target.Index;
        if (!_mappings.Add((int)number))
        {
            return number;
        }

        _inner.Clear().Message(17, _innermost.Clear().Number(1, number).Text(2, target?.Path ?? "[unknown]")); // mapping_paths: iid, str
        if (target != null)
        {
            _inner.Message(16, _innermost.Clear().Number(1, number).Data(2, target.BuildId)); // build_ids
        }

        _innermost.Clear().Number(1, number).Number(7, number); // Mapping: iid, path_string_ids
        if (target != null)
        {
            _innermost.Number(2, number).Number(4, target.Start).Number(5, target.End); // build_id, start, end
        }

        WriteInterned(_inner.Message(19, _innermost)); // mappings
        return number;
    }

    private void WriteInterned(ProtobufWriter data)
    {
        _packet.Clear().Number(SequenceIdField, SequenceId).Number(SequenceFlagsField, NeedsState).Message(InternedDataField, data);
        FinishPacket();
    }

    private ProtobufWriter Packet(ulong time) =>
        _packet.Clear().Number(TimestampField, time).Number(SequenceIdField, SequenceId).Number(SequenceFlagsField, NeedsState);

    /// <summary>Writes the packet to the buffer.</summary>
    private void FinishPacket()
    {
        if (BufferSize - _used < _packet.Length + 11)
        {
            Flush();
        }

        if (BufferSize - _used < _packet.Length + 11)
        {
            // A name of a megabyte, say: uncompressed.
            _stream.Write(_inner.Clear().Message(1, _packet).Bytes);
            return;
        }

        _buffer[_used++] = 1 << 3 | 2; // Trace.packet
        _used = ProtobufWriter.PutVarint(_buffer, _used, (ulong)_packet.Length);
        _packet.Bytes.CopyTo(_buffer.AsSpan(_used));
        _used += _packet.Length;
    }

    private void Flush()
    {
        if (_used == 0)
        {
            return;
        }

        _compressed.SetLength(0);
        using (var zlib = new ZLibStream(_compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(_buffer, 0, _used);
        }

        _used = 0;
        ReadOnlySpan<byte> bytes = _compressed.GetBuffer().AsSpan(0, (int)_compressed.Length);
        Span<byte> header = stackalloc byte[32];
        int length = ProtobufWriter.PutVarint(header, 0, CompressedPacketsField << 3 | 2);
        length = ProtobufWriter.PutVarint(header, length, (ulong)bytes.Length);
        Span<byte> outer = stackalloc byte[32];
        outer[0] = 1 << 3 | 2;
        int outerLength = ProtobufWriter.PutVarint(outer, 1, (ulong)(length + bytes.Length));
        _stream.Write(outer[..outerLength]);
        _stream.Write(header[..length]);
        _stream.Write(bytes);
    }

    private static void Mark(ref bool[] flags, int function)
    {
        if (function >= flags.Length)
        {
            Array.Resize(ref flags, Math.Max(flags.Length * 2, function + 1));
        }

        flags[function] = true;
    }
}
