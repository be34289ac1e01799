using System.CommandLine;
using Ftrace.Record;
using Ftrace.Tool.Control;

namespace Ftrace.Tool.Commands;

/// <summary>What the commands have in common that change a recording while it runs.</summary>
internal static class ControlCommand
{
    private const int EINVAL = 22;
    private const int E2BIG = 7;
    private const int ESRCH = 3;
    private const int EOPNOTSUPP = 95;
    private const int EAGAIN = 11;

    /// <summary>A command without options, that makes a request without a text.</summary>
    public static Command Create(string name, string description, ControlKind kind)
    {
        Argument<string> target = Target();
        var command = new Command(name, description) { target };
        command.SetAction(result => Run(result.GetRequiredValue(target), kind));
        return command;
    }

    public static Argument<string> Target() => new("PID|FILE") { Description = "A process that is recorded, or its trace file" };

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

    private static string ReasonOf(ControlKind kind, string text, int error) => error switch
    {
        ESRCH => "the recording has ended",
        EINVAL when kind is ControlKind.Filter or ControlKind.Notrace => $"a pattern is invalid: {text.Replace(';', ' ')}; see: ftrace list --help",
        EINVAL => $"{text}: is not a value that the library takes",
        E2BIG => "there are too many patterns, or they are too long; use fewer, with * in them",
        EOPNOTSUPP => "the library in the process does not know this request, or the recording does not allow it; a streamed one has no snapshots",
        EAGAIN => "the library is busy: a limit is reached, or an earlier change is not over; try again",
        _ => $"the library cannot do this: {Libc.TextOf(error)}",
    };
}
