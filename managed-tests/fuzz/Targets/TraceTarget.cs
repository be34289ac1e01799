using System;
using System.Collections.Generic;
using System.IO;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Fuzz;

/// <summary>
/// The input is a trace file with blocks of 4096 bytes, of which only the beginnings are there: the first 128 bytes of the header, then
/// 256 bytes of each block. The rest of a block is zeros, except that the last one is cut off. It is read in each way that there is.
/// </summary>
public static class TraceTarget
{
    private const int BlockSize = 4096;
    private const int Header = 128;
    private const int Part = 256;
    private const int MostBytes = 16 * 1024;
    private const int BlockSizeField = 16;
    private const int UnitSize = 16;

    /// <summary>Before a block's events there can be two that say what is missing.</summary>
    private const int MostAdded = 2;

    private const string Memory = "/dev/shm";

    private static readonly string s_path =
        Path.Combine(Directory.Exists(Memory) ? Memory : Path.GetTempPath(), $"ftrace-fuzz-{Environment.ProcessId}.data");

    /// <summary>Events in all inputs so far.</summary>
    public static long EventCount { get; private set; }

    /// <summary>Calls of which both ends were seen, likewise.</summary>
    public static long CallCount { get; private set; }

    /// <summary>Files that are accepted, likewise.</summary>
    public static long FileCount { get; private set; }

    public static void Run(byte[] input)
    {
        if (input.Length > MostBytes)
        {
            return;
        }

        try
        {
            File.WriteAllBytes(s_path, Expand(input));
            using TraceFile file = TraceFile.Open(s_path);
            Read(file);
        }
        catch (TraceFileException)
        {
            return; // rejected
        }
        finally
        {
            File.Delete(s_path);
        }

        FileCount++;
    }

    /// <summary>The parts of a file that an input has.</summary>
    public static byte[] Shrink(ReadOnlySpan<byte> file)
    {
        var parts = new MemoryStream();
        parts.Write(file[..Header]);
        for (int block = BlockSize; block < file.Length; block += BlockSize)
        {
            parts.Write(file[block..Math.Min(block + Part, file.Length)]);
        }

        return parts.ToArray();
    }

    private static byte[] Expand(byte[] input)
    {
        if (input.Length <= Header)
        {
            return input;
        }

        int parts = (input.Length - Header + Part - 1) / Part;
        int last = input.Length - Header - (parts - 1) * Part;
        byte[] file = new byte[parts * BlockSize + last];
        input.AsSpan(0, Header).CopyTo(file);
        BitConverter.TryWriteBytes(file.AsSpan(BlockSizeField), BlockSize);
        for (int i = 0; i < parts; i++)
        {
            ReadOnlySpan<byte> part = input.AsSpan(Header + i * Part, i + 1 < parts ? Part : last);
            part.CopyTo(file.AsSpan((i + 1) * BlockSize));
        }

        return file;
    }

    private static void Read(TraceFile file)
    {
        long most = 0;
        foreach (TraceThread thread in file.Threads)
        {
            most += thread.Blocks.Count * (BlockSize / UnitSize + MostAdded);
        }

        var one = new Dictionary<string, int>();
        long count = 0;
        foreach (TraceThread thread in file.Threads)
        {
            using ThreadEvents events = file.ReadThread(thread);
            while (events.Next(out TraceEvent e))
            {
                count++;
                Finding.Unless(count <= most, "more events than the file has room for");
                Finding.Unless(e.Thread == thread.Index, "an event of another thread");
                one[Key(in e)] = one.GetValueOrDefault(Key(in e)) + 1;
            }
        }

        Merge(file, one, count);
        EventCount += count;

        // One kind is enough: it takes most of the time.
        bool isGraph = count % 2 == 0;
        Write(file, new ReportOptions
        {
            Format = isGraph ? ReportFormat.Graph : ReportFormat.Function,
            ByThread = count % 4 < 2,
            Utc = !isGraph,
            Mangled = !isGraph,
        });
    }

    /// <summary>All events come once, and each call that begins ends once.</summary>
    private static void Merge(TraceFile file, Dictionary<string, int> one, long count)
    {
        var sink = new CallBalance();
        var calls = new CallTracker(file.Threads.Count, sink);
        using MergedEvents events = file.ReadMerged();
        while (events.Next())
        {
            ref readonly TraceEvent e = ref events.Current;
            string key = Key(in e);
            Finding.Unless(one.TryGetValue(key, out int left) && left > 0, "an event that the thread does not have");
            one[key] = left - 1;
            count--;
            calls.Add(in e);
        }

        calls.Finish();
        Finding.Unless(count == 0, "events got lost in the merge");
        Finding.Unless(sink.Begun == sink.Ended, "a call without an end");
        CallCount += sink.Whole;
    }

    private static string Key(in TraceEvent e) => $"{e.Thread} {e.Time} {e.Kind} {e.Call} {e.Address} {e.Flags} {Convert.ToHexString(e.Data)}";

    private static void Write(TraceFile file, ReportOptions options)
    {
        using var stream = new MemoryStream();
        Report.Write(file, options, stream);
        ReadOnlySpan<byte> text = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        foreach (byte b in text)
        {
            Finding.Unless(b is (byte)'\n' or (>= 0x20 and not 0x7f), "a control character in the report");
        }
    }

    private sealed class CallBalance : ICallSink
    {
        public long Begun { get; private set; }

        public long Ended { get; private set; }

        public long Whole { get; private set; }

        public void OnBegin(in TraceEvent entry) => Begun++;

        public void OnEnd(in FinishedCall call)
        {
            Ended += call.HasBeginning ? 1 : 0;
            Whole += call.HasDuration ? 1 : 0;
        }
    }
}
