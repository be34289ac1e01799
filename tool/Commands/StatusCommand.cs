using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Ftrace.Record;
using Ftrace.Tool.Attach;
using Ftrace.Tool.Control;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace status</c>: what a recording does.</summary>
internal static class StatusCommand
{
    private const int EFBIG = 27;

    public static Command Create()
    {
        Argument<string> target = ControlCommand.Target();
        var raw = new Option<bool>("--raw") { Description = "As lines key=value, for programs" };
        var command = new Command("status", "Print what the recording of a process does") { target, raw };
        command.SetAction(result =>
        {
            string name = result.GetRequiredValue(target);
            try
            {
                using var channel = new ControlChannel(name);
                string text = ControlCommand.Ask(channel, name, ControlKind.Status);
                Console.Out.Write(result.GetValue(raw) ? FormatRaw(channel.ProcessId, text) : Format(channel.ProcessId, text));
            }
            catch (ControlException e)
            {
                IdleLibrary library = IdleLibrary.Find(name) ?? throw new CommandFailure(e.Message);
                Console.Out.Write(result.GetValue(raw) ? FormatRaw(library) : Format(library));
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The process may be somebody else's: a terminal obeys none of its words.</summary>
    private static string FormatRaw(int pid, string text)
    {
        var lines = new StringBuilder();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // In a PID namespace it knows itself by another one.
            lines.Append(line.StartsWith("pid=", StringComparison.Ordinal) ? Invariant($"pid={pid}") : CleanText.Of(line)).Append('\n');
        }

        return lines.ToString();
    }

    private static string FormatRaw(IdleLibrary library) =>
        Invariant($"state=none\npid={library.Pid}\nlibrary={CleanText.Of(library.Path)}\nattached={(library.IsHeld ? 1 : 0)}\n");

    private static string Format(IdleLibrary library) =>
        Invariant($"process:  {library.Pid}\n")
        + $"tracing:  not recorded{(library.IsHeld ? ", another process is attached" : Invariant($"; record it with: ftrace attach {library.Pid}"))}\n"
        + $"library:  {CleanText.Of(library.Path)}\n";

    private static string Format(int pid, string text)
    {
        var values = new Dictionary<string, string>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int end = line.IndexOf('=');
            if (end > 0)
            {
                values[line[..end]] = line[(end + 1)..];
            }
        }

        long overwritten = Number(values, "lost_overwritten");
        long unbuffered = Number(values, "lost_without_buffer");
        long streamError = Number(values, "stream_error");
        string mode = values.GetValueOrDefault("mode") == "stream" ? "all events go to the file" : "the last events of each thread are kept";
        if (streamError != 0)
        {
            mode = streamError == EFBIG ? "the file is full; the last events of each thread are kept" : $"the file cannot be written ({Control.Libc.TextOf((int)streamError)}); the last events of each thread are kept";
        }

        string limits = "";
        limits += Number(values, "depth") is long depth and not 0 ? Invariant($", depth {depth}") : "";
        limits += Number(values, "min_time_ns") is long least and not 0 ? Invariant($", calls of {least} ns and more") : "";
        return Invariant($"process:  {pid}\n")
            + $"tracing:  {CleanText.Of(values.GetValueOrDefault("state", "?"))}{limits}\n"
            + $"mode:     {mode}\n"
            + Invariant($"threads:  {Number(values, "threads")} so far; {Number(values, "free_buffers")} of {Number(values, "buffers")} buffers of {Number(values, "buffer_size") >> 10} KB are free\n")
            + Invariant($"file:     {Number(values, "file_size") >> 20} MB, at most {Number(values, "max_size") >> 20} MB\n")
            + Invariant($"lost:     {overwritten + unbuffered} events ({overwritten} were overwritten, {unbuffered} had no buffer)\n");
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static long Number(Dictionary<string, string> values, string key) =>
        long.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
