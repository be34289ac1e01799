using System.CommandLine;
using Ftrace.Record;
using Ftrace.Tool.Control;

namespace Ftrace.Tool.Commands;

/// <summary>What the commands have in common that change a recording while it runs.</summary>
internal static class ControlCommand
{
    /// <summary>Between the texts of a request.</summary>
    public const char Separator = ';';

    private const int EPERM = 1;
    private const int EINVAL = 22;
    private const int E2BIG = 7;
    private const int ESRCH = 3;
    private const int EOPNOTSUPP = 95;
    private const int EAGAIN = 11;
    private const int ENOSPC = 28;
    private const int MostTriggers = 4;

    /// <summary>A command without options, that makes a request without a text.</summary>
    public static Command Create(string name, string description, ControlKind kind)
    {
        Argument<string> target = Target();
        var command = new Command(name, description) { target };
        command.SetAction(result => Run(result.GetRequiredValue(target), kind));
        return command;
    }

    /// <summary>A command that replaces the texts of one kind: patterns, or triggers.</summary>
    public static Command CreateList(string name, string description, ControlKind kind, string valueName, string valueDescription)
    {
        Argument<string> target = Target();
        var values = new Argument<string[]>(valueName) { Description = valueDescription, Arity = ArgumentArity.ZeroOrMore };
        var add = new Option<bool>("--add", "-a") { Description = $"Keep the {valueName}s that there are" };
        var none = new Option<bool>("--none") { Description = $"Remove all {valueName}s" };
        var command = new Command(name, description) { target, values, add, none };
        command.Validators.Add(result =>
        {
            bool isEmpty = result.GetValue(values) is not { Length: > 0 };
            if (result.GetValue(none) && (!isEmpty || result.GetValue(add)))
            {
                result.AddError($"--none removes the {valueName}s; give nothing else with it");
            }

            if (isEmpty && !result.GetValue(none))
            {
                result.AddError($"There is nothing to change: give a {valueName}, or --none");
            }
        });
        command.SetAction(result => Run(
            result.GetRequiredValue(target), kind, string.Join(Separator, result.GetValue(values) ?? []), result.GetValue(add) ? ControlPage.Add : 0));
        return command;
    }

    public static Argument<string> Target() => new("PID|FILE") { Description = "A process that is recorded, or its trace file; digits alone are a process" };

    /// <summary>Makes one request.</summary>
    /// <returns>The exit status.</returns>
    public static int Run(string target, ControlKind kind, string text = "", uint flags = 0)
    {
        try
        {
            using var channel = new ControlChannel(target);
            Ask(channel, target, kind, text, flags);
        }
        catch (ControlException e)
        {
            throw new CommandFailure(e.Message);
        }

        return ExitCode.Success;
    }

    /// <summary>Asks, and fails if the library does.</summary>
    public static string Ask(ControlChannel channel, string target, ControlKind kind, string text = "", uint flags = 0)
    {
        ControlAnswer answer = channel.Ask(kind, text, flags);
        return answer.Error == 0 ? answer.Text : throw new CommandFailure($"{target}: {ReasonOf(kind, text, answer.Error)}");
    }

    /// <summary>True for errors of the file that is to be written.</summary>
    public static bool IsOfFile(int error) => error is not (ESRCH or EINVAL or E2BIG or EOPNOTSUPP or EAGAIN);

    public static string ReasonOf(ControlKind kind, string text, int error) => error switch
    {
        ESRCH => "the recording has ended",
        EPERM when kind == ControlKind.Detach => "the recording was started by the process itself, or its environment, and goes on; ftrace off makes it record nothing",
        EINVAL when kind is ControlKind.Filter or ControlKind.Notrace => $"a pattern is invalid: {text.Replace(Separator, ' ')}; see: ftrace list --help",
        EINVAL when kind is ControlKind.Trigger => $"a trigger is malformed: {text.Replace(Separator, ' ')}; triggers are as parse_error:snapshot, main_loop:traceon:3, 'parse_*:snapshot:>10ms'",
        ENOSPC when kind is ControlKind.Trigger => $"there can be {MostTriggers} triggers, also while some are replaced; remove those that there are first, with --none",
        EINVAL => $"{text}: is not a value that the library takes",
        E2BIG => "there are too many patterns, or they are too long; use fewer, with * in them",
        EOPNOTSUPP => "the library in the process does not know this request, or the recording does not allow it; a streamed one has no snapshots",
        EAGAIN => "the library is busy: a limit is reached, or an earlier change is not over; try again",
        _ => $"the library cannot do this: {Libc.TextOf(error)}",
    };
}
