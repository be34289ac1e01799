using System;
using System.IO;
using System.IO.Compression;
using System.Text.RegularExpressions;
using Ftrace.Tests.Abi;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format perfetto</c>, as protoc decodes it.</summary>
[TestFixture]
public sealed partial class PerfettoDumpTests
{
    private const int PacketTag = 1 << 3 | 2;
    private const int CompressedPacketsTag = 50 << 3 | 2;

    [Test]
    public void Everything() => Check(DumpDemo.Everything(), """
        sequence_flags: 1 trace_packet_defaults { perf_sample_defaults { timebase { frequency: 1 counter: SW_CPU_CLOCK } } timestamp_clock_id: 3 }
        clock_snapshot { clocks { clock_id: 3 timestamp: 1000 } clocks { clock_id: 1 timestamp: 1800000000000001000 } primary_trace_clock: BUILTIN_CLOCK_MONOTONIC }
        track_descriptor { uuid: 1 process { pid: 1000 cmdline: "demo" cmdline: "-x \"y\"" process_name: "demo" } }
        track_descriptor { uuid: 2 thread { pid: 1000 tid: 1000 thread_name: "demo" } parent_uuid: 1 }
        track_descriptor { uuid: 3 thread { pid: 1000 tid: 1001 thread_name: "wor;ker" } parent_uuid: 1 }
        interned_data { event_names { iid: 1 name: "main" } } sequence_flags: 2
        timestamp: 2000 track_event { type: TYPE_SLICE_BEGIN name_iid: 1 track_uuid: 2 } sequence_flags: 2
        interned_data { event_names { iid: 2 name: "parse" } } sequence_flags: 2
        timestamp: 2100 track_event { type: TYPE_SLICE_BEGIN name_iid: 2 track_uuid: 2 } sequence_flags: 2
        interned_data { event_names { iid: 3 name: "op\"\\ <a&b>::f(int, \'x\')" } } sequence_flags: 2
        timestamp: 2150 track_event { type: TYPE_SLICE_BEGIN name_iid: 3 track_uuid: 3 } sequence_flags: 2
        timestamp: 2200 track_event { type: TYPE_SLICE_END track_uuid: 2 } sequence_flags: 2
        timestamp: 2250 track_event { debug_annotations { string_value: "unwound" name: "end" } type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        timestamp: 2300 track_event { type: TYPE_INSTANT track_uuid: 2 name: "a\"\\<\001\357\277\275\303\251!" } sequence_flags: 2
        timestamp: 2400 track_event { type: TYPE_SLICE_BEGIN name_iid: 2 track_uuid: 2 } sequence_flags: 2
        timestamp: 2450 track_event { debug_annotations { string_value: "tail call" name: "end" } type: TYPE_SLICE_END track_uuid: 2 } sequence_flags: 2
        timestamp: 2500 track_event { type: TYPE_INSTANT name_iid: 2 track_uuid: 2 } sequence_flags: 2
        timestamp: 2600 track_event { debug_annotations { string_value: "3" name: "events" } type: TYPE_INSTANT track_uuid: 3 name: "events lost" } sequence_flags: 2
        timestamp: 2700 track_event { type: TYPE_INSTANT track_uuid: 2 name: "recording on" } sequence_flags: 2
        interned_data { build_ids { iid: 2 str: "ab" } mapping_paths { iid: 2 str: "/bin/demo" } mappings { iid: 2 build_id: 2 start: 4194304 end: 5242880 path_string_ids: 2 } } sequence_flags: 2
        interned_data { function_names { iid: 1 str: "main" } frames { iid: 1 function_name_id: 1 mapping_id: 2 rel_pc: 4096 } } sequence_flags: 2
        interned_data { function_names { iid: 2 str: "parse" } frames { iid: 2 function_name_id: 2 mapping_id: 2 rel_pc: 4352 } } sequence_flags: 2
        interned_data { callstacks { iid: 1 frame_ids: 1 frame_ids: 2 } } sequence_flags: 2
        timestamp: 2800 sequence_flags: 2 perf_sample { cpu: 0 pid: 1000 tid: 1000 callstack_iid: 1 cpu_mode: MODE_USER timebase_count: 1 }
        timestamp: 2900 track_event { type: TYPE_SLICE_BEGIN name_iid: 2 track_uuid: 3 } sequence_flags: 2
        timestamp: 3000 track_event { type: TYPE_SLICE_END track_uuid: 2 } sequence_flags: 2
        timestamp: 3000 track_event { debug_annotations { string_value: "unfinished" name: "end" } type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        """);

    [Test]
    public void BeginningCut() => Check(DumpDemo.Cut(), """
        sequence_flags: 1 trace_packet_defaults { perf_sample_defaults { timebase { frequency: 1 counter: SW_CPU_CLOCK } } timestamp_clock_id: 3 }
        clock_snapshot { clocks { clock_id: 3 timestamp: 1000 } clocks { clock_id: 1 timestamp: 1800000000000001000 } primary_trace_clock: BUILTIN_CLOCK_MONOTONIC }
        track_descriptor { uuid: 1 process { pid: 1000 cmdline: "demo" cmdline: "-x \"y\"" process_name: "demo" } }
        track_descriptor { uuid: 2 thread { pid: 1000 tid: 1001 thread_name: "wor;ker" } parent_uuid: 1 }
        track_descriptor { uuid: 3 thread { pid: 1000 tid: 1000 thread_name: "demo" } parent_uuid: 1 }
        interned_data { event_names { iid: 2 name: "main" } } sequence_flags: 2
        timestamp: 2000 track_event { debug_annotations { string_value: "not seen" name: "begin" } type: TYPE_SLICE_BEGIN name_iid: 2 track_uuid: 3 } sequence_flags: 2
        interned_data { event_names { iid: 1 name: "op\"\\ <a&b>::f(int, \'x\')" } } sequence_flags: 2
        timestamp: 2000 track_event { debug_annotations { string_value: "not seen" name: "begin" } type: TYPE_SLICE_BEGIN name_iid: 1 track_uuid: 3 } sequence_flags: 2
        interned_data { event_names { iid: 3 name: "parse" } } sequence_flags: 2
        timestamp: 2000 track_event { type: TYPE_SLICE_BEGIN name_iid: 3 track_uuid: 3 } sequence_flags: 2
        timestamp: 2010 track_event { type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        timestamp: 2050 track_event { type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        timestamp: 2100 track_event { type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        """);

    /// <summary>More than the buffer: several compressed packets, each of them whole.</summary>
    [Test]
    public void ManyEvents()
    {
        const int Calls = 20_000;

        TraceFileBuilder builder = DumpDemo.Names();
        for (uint i = 0; i < Calls; i++)
        {
            builder.Entry(1, 2000 + 2 * i, 1, DumpDemo.Main).Exit(1, 2001 + 2 * i, 1, DumpDemo.Main);
        }

        byte[] plain = Uncompress(DumpDemo.Bytes(builder, (file, stream, _) => new PerfettoDump(file, stream)), out int packets);
        Assert.That(packets, Is.GreaterThan(1));
        int events = 0;
        for (int place = 0; place < plain.Length;)
        {
            Assert.That(plain[place], Is.EqualTo(PacketTag));
            place++;
            int length = (int)Varint(plain, ref place);
            place += length;
            events++;
        }

        Assert.That(events, Is.EqualTo(2 * Calls + 1 + 1 + 1 + 2 + 1), "events, defaults, clocks, process, threads, a name");
    }

    /// <summary>A call that began before the range, and nothing of the other thread.</summary>
    [Test]
    public void RangeOfOneThread() => Check(DumpDemo.Everything(), """
        sequence_flags: 1 trace_packet_defaults { perf_sample_defaults { timebase { frequency: 1 counter: SW_CPU_CLOCK } } timestamp_clock_id: 3 }
        clock_snapshot { clocks { clock_id: 3 timestamp: 1000 } clocks { clock_id: 1 timestamp: 1800000000000001000 } primary_trace_clock: BUILTIN_CLOCK_MONOTONIC }
        track_descriptor { uuid: 1 process { pid: 1000 cmdline: "demo" cmdline: "-x \"y\"" process_name: "demo" } }
        track_descriptor { uuid: 3 thread { pid: 1000 tid: 1001 thread_name: "wor;ker" } parent_uuid: 1 }
        interned_data { event_names { iid: 1 name: "op\"\\ <a&b>::f(int, \'x\')" } } sequence_flags: 2
        timestamp: 2200 track_event { debug_annotations { string_value: "earlier" name: "begin" } type: TYPE_SLICE_BEGIN name_iid: 1 track_uuid: 3 } sequence_flags: 2
        timestamp: 2250 track_event { debug_annotations { string_value: "unwound" name: "end" } type: TYPE_SLICE_END track_uuid: 3 } sequence_flags: 2
        """, file => new EventSelection { Threads = [file.Threads[1]], From = 2200, To = 2300 });

    private static void Check(TraceFileBuilder builder, string expected, Func<TraceFile, EventSelection>? select = null)
    {
        byte[] plain = Uncompress(DumpDemo.Bytes(builder, (file, stream, _) => new PerfettoDump(file, stream), select), out _);
        string folder = Path.Combine(SourceTree.Root, "managed-tests/Tool");
        string text = PeerTool.Run("protoc", "protobuf-compiler", plain, $"--proto_path={folder}", "--decode=Trace", "perfetto.proto");

        // A packet a line.
        text = Spaces().Replace(text.Replace("\n}\npacket {", "\u0001"), " ").Replace(" \u0001", "\n").Replace("\u0001", "\n").Trim();
        text = text.Replace("packet {", "").Replace(" trusted_packet_sequence_id: 1", "").Replace("\n ", "\n").Trim().TrimEnd('}').TrimEnd();
        Assert.That(text, Is.EqualTo(expected));
    }

    private static byte[] Uncompress(byte[] trace, out int packets)
    {
        var plain = new MemoryStream();
        packets = 0;
        for (int place = 0; place < trace.Length;)
        {
            Assert.That(Varint(trace, ref place), Is.EqualTo(PacketTag));
            int end = (int)Varint(trace, ref place);
            end += place;
            Assert.That(Varint(trace, ref place), Is.EqualTo(CompressedPacketsTag));
            int length = (int)Varint(trace, ref place);
            Assert.That(place + length, Is.EqualTo(end));
            using var zlib = new ZLibStream(new MemoryStream(trace, place, length), CompressionMode.Decompress);
            zlib.CopyTo(plain);
            place = end;
            packets++;
        }

        return plain.ToArray();
    }

    private static ulong Varint(byte[] bytes, ref int place)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[place++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
    }

    [GeneratedRegex("[ \n]+")]
    private static partial Regex Spaces();
}
