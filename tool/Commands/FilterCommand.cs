using System.CommandLine;
using Ftrace.Record;
using Ftrace.Tool.Control;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace filter</c>: which calls are recorded from now on.</summary>
internal static class FilterCommand
{
    public static Command Create()
    {
        Argument<string> target = ControlCommand.Target();
        var patterns = new Argument<string[]>("PATTERN") { Description = "Functions to record, as with: ftrace record -f", Arity = ArgumentArity.ZeroOrMore };
        var notrace = new Option<string[]>("--notrace", "-n") { Description = "Functions not to record; can be given several times", HelpName = "PATTERN", Arity = ArgumentArity.OneOrMore };
        var add = new Option<bool>("--add", "-a") { Description = "Keep the patterns that there are" };
        var all = new Option<bool>("--all") { Description = "Record all functions: remove all patterns" };
        var depth = new Option<uint?>("--depth", "-D") { Description = "Only calls nested in fewer recorded calls; 0: all", HelpName = "N" };
        var time = new Option<string?>("--min-time", "-t") { Description = "Only calls that take at least so long, as 10us; 0: all", HelpName = "TIME" };
        var command = new Command("filter", "Change which calls of a process are recorded") { target, patterns, notrace, add, all, depth, time };
        command.Validators.Add(result =>
        {
            bool none = result.GetValue(patterns) is not { Length: > 0 } && result.GetValue(notrace) is not { Length: > 0 }
                && !result.GetValue(all) && result.GetValue(depth) == null && result.GetValue(time) == null;
            if (none)
            {
                result.AddError("There is nothing to change: give a PATTERN, --notrace, --all, --depth or --min-time");
            }

            if (result.GetValue(time) is string text && NanosecondsOf(text) == null)
            {
                result.AddError($"--min-time: {text} is not a time; examples: 500ns, 10us, 2ms");
            }

            if (result.GetValue(all) && (result.GetValue(patterns) is { Length: > 0 } || result.GetValue(add)))
            {
                result.AddError("--all removes the patterns; give none with it");
            }
        });
        command.SetAction(result =>
        {
            string name = result.GetRequiredValue(target);
            uint flags = result.GetValue(add) ? ControlPage.Add : 0;
            try
            {
                using var channel = new ControlChannel(name);
                if (result.GetValue(all))
                {
                    ControlCommand.Ask(channel, name, ControlKind.Notrace);
                    ControlCommand.Ask(channel, name, ControlKind.Filter);
                }

                if (result.GetValue(notrace) is { Length: > 0 } excluded)
                {
                    ControlCommand.Ask(channel, name, ControlKind.Notrace, string.Join(ControlCommand.Separator, excluded), flags);
                }

                if (result.GetValue(patterns) is { Length: > 0 } wanted)
                {
                    ControlCommand.Ask(channel, name, ControlKind.Filter, string.Join(ControlCommand.Separator, wanted), flags);
                }

                if (result.GetValue(depth) is uint levels)
                {
                    ControlCommand.Ask(channel, name, ControlKind.Depth, $"{levels}");
                }

                if (result.GetValue(time) is string least)
                {
                    ControlCommand.Ask(channel, name, ControlKind.MinTime, $"{NanosecondsOf(least)}");
                }
            }
            catch (ControlException e)
            {
                throw new CommandFailure(e.Message);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static long? NanosecondsOf(string text) => text == "0" ? 0 : ValueText.ToNanoseconds(text);
}
