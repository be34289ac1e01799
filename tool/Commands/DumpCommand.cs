using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace dump</c>: the trace in another format.</summary>
internal static class DumpCommand
{
    private const string Formats = """
        The format:
        perfetto    Perfetto's binary format, for https://ui.perfetto.dev
        chrome      the trace event format, JSON, for Perfetto and chrome://tracing
        speedscope  JSON, for https://www.speedscope.app
        folded      a line for each distinct stack: THREAD;FUNCTION;... NANOSECONDS,
                    without the time in callees; for flamegraph.pl and others
        svg         a flame graph; open it in a browser
        uftrace     a directory, for uftrace report -d OUT
        csv         a line for each call, in the order of their ends:
                    thread,tid,start_ns,duration_ns,self_ns,depth,function,end
        Times are nanoseconds of CLOCK_MONOTONIC. In csv, thread is a number that is
        unique, unlike tid; end is returned, tail call (by a jump to another function),
        unwound (by an exception, longjmp), not seen (before that time), unfinished, or
        not traced (only the entry was recorded)
        """;

    public static Command Create()
    {
        var command = new Command("dump", "Write a trace in the format of another program: Perfetto, flame graph, uftrace, CSV and others");
        var input = new TraceInput(command);
        var format = new Option<DumpFormat>("--format", "-F")
        {
            Description = Formats,
            Required = true,
            HelpName = "FORMAT",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (Enum.TryParse(text, ignoreCase: true, out DumpFormat value) && !char.IsAsciiDigit(text[0]))
                {
                    return value;
                }

                result.AddError($"--format {text}: there is no such format; there are {string.Join(", ", Enum.GetNames<DumpFormat>()).ToLowerInvariant()}");
                return default;
            },
        };
        var path = new Option<string?>("--output", "-o") { Description = "The file to write (standard output); for uftrace a directory", HelpName = "OUT" };
        var force = new Option<bool>("--force") { Description = "Replace OUT if it exists" };
        command.Add(format);
        command.Add(path);
        command.Add(force);
        command.SetAction(result => input.Read(result, file =>
            Write(file, result.GetValue(format), result.GetValue(path), result.GetValue(force))));
        return command;
    }

    private static int Write(TraceFile file, DumpFormat format, string? path, bool isForced)
    {
        if (path == null && format == DumpFormat.Perfetto && Terminal.IsTerminal)
        {
            throw new CommandFailure("--format perfetto: it is binary, and this is a terminal; give a file with -o FILE", ExitCode.Usage);
        }

        if (path == null && format == DumpFormat.Uftrace)
        {
            throw new CommandFailure("--format uftrace: it is a directory; give its name with -o DIR", ExitCode.Usage);
        }

        ulong leftOut = 0;
        if (format == DumpFormat.Uftrace)
        {
            DumpOutput.WriteDirectory(path!, isForced, directory => leftOut = WriteUftrace(file, directory));
        }
        else
        {
            DumpOutput.Write(path, file.Path, isForced, stream => leftOut = WriteStream(file, format, stream));
        }

        PrintNotes(file, leftOut);
        return ExitCode.Success;
    }

    /// <summary>Returns how many calls had no room.</summary>
    private static ulong WriteUftrace(TraceFile file, string directory)
    {
        using var dump = new UftraceDump(file, directory);
        SliceReader.Run(file, dump);
        return dump.LeftOut;
    }

    /// <summary>Returns how many calls had no room.</summary>
    private static ulong WriteStream(TraceFile file, DumpFormat format, Stream stream)
    {
        using var output = new Utf8Output(stream);
        Dump dump = format switch
        {
            DumpFormat.Perfetto => new PerfettoDump(file, stream),
            DumpFormat.Chrome => new ChromeDump(file, output),
            DumpFormat.Speedscope => new SpeedscopeDump(file, output),
            DumpFormat.Folded => new FoldedDump(file, output),
            DumpFormat.Svg => new SvgDump(file, output),
            _ => new CsvDump(file, output),
        };
        using var resources = dump as IDisposable;
        SliceReader.Run(file, dump);
        return (dump as TreeDump)?.LeftOut ?? 0;
    }

    private static void PrintNotes(TraceFile file, ulong leftOut)
    {
        if (file.Lost != 0)
        {
            CommandLine.PrintError(string.Create(CultureInfo.InvariantCulture, $"{file.Path}: {file.Lost} events were lost; times and counts are too low"));
        }

        if (leftOut != 0)
        {
            CommandLine.PrintError(string.Create(
                CultureInfo.InvariantCulture, $"{file.Path}: too many distinct or too deep stacks; {leftOut} calls are in their callers' time only"));
        }
    }
}
