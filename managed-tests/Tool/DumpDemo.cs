using System;
using System.IO;
using System.Text;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

namespace Ftrace.Tests.Tool;

/// <summary>Small traces for the tests of <c>ftrace dump</c>, and what formats make of them.</summary>
internal static class DumpDemo
{
    public const ulong Main = 0x401000;
    public const ulong Parse = 0x401100;
    public const ulong Odd = 0x401200;

    /// <summary>A name that every format has to quote.</summary>
    public const string OddName = "op\"\\ <a&b>::f(int, 'x')";

    /// <summary>Everything that a trace can have, in two threads. The times are nanoseconds of CLOCK_MONOTONIC.</summary>
    public static TraceFileBuilder Everything() => Names()
        .Entry(1, 2000, 1, Main)
        .Entry(1, 2100, 2, Parse)
        .Entry(2, 2150, 17, Odd)
        .Exit(1, 2200, 2, Parse)
        .EndOfCall(2, 2250, 17, Odd, 2)
        .Event(1, 2300, 3, 9, [.. "a\"\\<\x1"u8, 0xff, .. "é!"u8])
        .Entry(1, 2400, 3, Parse)
        .EndOfCall(1, 2450, 3, Parse, 1)
        .FunctionEntry(1, 2500, Parse, Main + 9)
        .Lost(2, 2600, 3)
        .Switched(1, 2700, true)
        .Sample(1, 2800, Parse + 4, [Main + 8], [])
        .Entry(2, 2900, 18, Parse)
        .Exit(1, 3000, 1, Main);

    /// <summary>A ring that has lost its beginning: main and odd were under way.</summary>
    public static TraceFileBuilder Cut() => Names(firstSequence: 7)
        .Entry(1, 2000, 3, Parse)
        .Exit(1, 2010, 3, Parse)
        .Exit(1, 2050, 2, Odd)
        .Exit(1, 2100, 1, Main);

    /// <summary>Calls that are not nested, as on two stacks: main ends before parse, which it called.</summary>
    public static TraceFileBuilder Stacks() => Names()
        .Entry(1, 2000, 1, Main)
        .Entry(1, 2010, 2, Parse)
        .Exit(1, 2030, 1, Main)
        .Exit(1, 2060, 2, Parse);

    public static TraceFileBuilder Samples() => Names()
        .Sample(1, 2000, Parse + 4, [Main + 8], [])
        .Sample(1, 2010, Parse + 5, [Main + 8], [])
        .Sample(1, 2020, Main + 5, [], []);

    public static TraceFileBuilder Entries() => Names()
        .FunctionEntry(1, 2000, Parse, Main)
        .FunctionEntry(1, 2010, Parse, Main)
        .FunctionEntry(2, 2020, Odd, Main);

    /// <summary>The process, functions and two threads.</summary>
    /// <param name="firstSequence">Of thread 1.</param>
    public static TraceFileBuilder Names(ulong firstSequence = 1) => new TraceFileBuilder { Start = [1000, 1000, 1_800_000_000_000_001_000] }
        .Process(1000, 1, 1000, "/bin/demo", ["demo", "-x \"y\""], "/tmp", "host")
        .Object(1, 1000, 0x400000, 0x500000, 0x400000, "/bin/demo", "ab")
        .Symbols(1, (Main, 0x100, "main"), (Parse, 0x100, "parse"), (Odd, 0x100, OddName))
        .Thread(1, 1000, firstSequence)
        .Thread(2, 1001)
        .ThreadName(2, 1001, 1000, "wor;ker");

    /// <summary>What a format writes for a trace.</summary>
    public static byte[] Bytes(TraceFileBuilder builder, Func<TraceFile, Stream, Utf8Output, Dump> create, Func<TraceFile, EventSelection>? select = null)
    {
        using var temporary = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(temporary.Path);
        using var stream = new MemoryStream();
        using (var output = new Utf8Output(stream))
        {
            Dump dump = create(file, stream, output);
            using var resources = dump as IDisposable;
            SliceReader.Run(file, dump, select?.Invoke(file) ?? EventSelection.All);
        }

        return stream.ToArray();
    }

    /// <summary>What a format writes for a trace, as text; it must be UTF-8.</summary>
    public static string Text(TraceFileBuilder builder, Func<TraceFile, Utf8Output, Dump> create, Func<TraceFile, EventSelection>? select = null) =>
        new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes(builder, (file, _, output) => create(file, output), select));
}
