using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using Ftrace.Tool.Reports;

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
        With --range, calls that are under way when it begins or ends are cut there; in
        csv they have all their time, and those that last all through it no line
        """;

    private static string[] Names => [.. Enum.GetNames<DumpFormat>().Select(n => n.ToLowerInvariant())];

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

                result.AddError($"--format {text}: there is no such format; there are {string.Join(", ", Names)}");
                return default;
            },
        };
        var path = new Option<string?>("--output", "-o") { Description = "The file to write (standard output); for uftrace a directory", HelpName = "OUT" };
        var force = new Option<bool>("--force") { Description = "Replace OUT if it exists" };
        format.CompletionSources.Clear();
        format.CompletionSources.Add(Names);
        command.Add(format);
        command.Add(path);
        command.Add(force);
        var selection = new SelectionOptions(command);
        command.SetAction(result => input.Read(result, file =>
            Write(file, selection.Of(result, file), result.GetValue(format), result.GetValue(path), result.GetValue(force))));
        return command;
    }

    private static int Write(TraceFile file, EventSelection selection, DumpFormat format, string? path, bool isForced)
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
            DumpOutput.WriteDirectory(path!, isForced, directory => leftOut = WriteUftrace(file, selection, directory));
        }
        else
        {
            bool isOnTerminal = path is null or "-" && Terminal.IsTerminal;
            DumpOutput.Write(path, file.Path, isForced, stream => leftOut = WriteStream(file, selection, format, stream, hasProgress: !isOnTerminal));
        }

        PrintNotes(file, leftOut);
        return ExitCode.Success;
    }

    /// <summary>Returns how many calls had no room.</summary>
    private static ulong WriteUftrace(TraceFile file, EventSelection selection, string directory)
    {
        using var dump = new UftraceDump(file, directory);
        Read(file, selection, dump, hasProgress: true);
        return dump.LeftOut;
    }

    /// <summary>Returns how many calls had no room.</summary>
    private static ulong WriteStream(TraceFile file, EventSelection selection, DumpFormat format, Stream stream, bool hasProgress)
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
        Read(file, selection, dump, hasProgress);
        return (dump as TreeDump)?.LeftOut ?? 0;
    }

    private static void Read(TraceFile file, EventSelection selection, Dump dump, bool hasProgress)
    {
        using Progress progress = ReadingProgress.Of(file, selection, SliceReader.PassesOf(file, dump, selection), hasProgress);
        SliceReader.Run(file, dump, selection);
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
