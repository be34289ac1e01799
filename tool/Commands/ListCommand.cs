using System.CommandLine;
using Ftrace.Tool.Output;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace list</c>: what can be traced.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("PROGRAM|PID") { Description = "A program, a shared object, or the id of a process" };
        var filter = new Option<string[]>("--filter", "-f") { Description = "Only functions that match; can be given several times", HelpName = "PATTERN", Arity = ArgumentArity.OneOrMore };
        var all = new Option<bool>("--all", "-a") { Description = "Also functions that cannot be traced, of objects that were compiled for tracing" };
        var raw = new Option<bool>("--raw") { Description = "Names as in the symbol table, not demangled" };
        var format = new Option<string>("--format") { Description = "How to print: text, or json", HelpName = "FORMAT", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var command = new Command("list", "Print which functions of a program can be traced, and why others cannot") { target, filter, all, raw, format };
        command.SetAction(result => Run(new ListOptions
        {
            Target = result.GetRequiredValue(target),
            Filters = result.GetValue(filter) ?? [],
            All = result.GetValue(all),
            IsRaw = result.GetValue(raw),
            IsJson = result.GetValue(format) == "json",
        }));
        return command;
    }

    private static int Run(ListOptions options)
    {
        var session = new ListSession(options);
        bool found;
        try
        {
            found = session.Run(new DescriptorStream(DescriptorStream.StandardOutput));
        }
        catch (RecordingException e)
        {
            throw new CommandFailure(e.Message);
        }

        if (found)
        {
            return ExitCode.Success;
        }

        string nearest = session.Nearest.Length == 0 ? "" : $"; the nearest name is {session.Nearest}";
        throw new CommandFailure($"{string.Join(", ", options.Filters)}: no function matches{nearest}");
    }
}
