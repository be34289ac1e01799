using System.CommandLine;
using Ftrace.Tool.Attach;
using Ftrace.Tool.Control;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace attach</c>: records a process that runs already, until Ctrl-C.</summary>
internal sealed class AttachCommand
{
    private readonly Argument<string> _target = new("PID|SOCKET") { Description = "A process, or the socket that FTRACE_CONTROL names in it" };

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Write what was recorded to this file at the end; one that exists is kept as FILE.old",
        HelpName = "FILE",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<long> _seconds = Seconds();
    private readonly RecordingOptions _options = new();

    public static Command Create()
    {
        var parts = new AttachCommand();
        var command = new Command("attach", "Record a process that runs, and leave it as it was at Ctrl-C") { parts._target };
        foreach (Option option in (Option[])[.. parts._options.First, parts._output, parts._seconds, .. parts._options.Others])
        {
            command.Add(option);
        }

        command.SetAction(result => Run(
            parts._options.Read(result, result.GetRequiredValue(parts._output)), result.GetRequiredValue(parts._target), result.GetValue(parts._seconds)));
        return command;
    }

    public static Option<long> Seconds() =>
        RecordingOptions.Value("--seconds", "-s", "N", "Detach after N seconds, instead of at Ctrl-C", ValueText.ToCount);

    /// <summary>Attaches, records, and detaches.</summary>
    /// <param name="options">What to record; without an output nothing is written.</param>
    /// <param name="target">The id of a process, or a socket.</param>
    /// <param name="seconds">How long; 0: until Ctrl-C.</param>
    /// <returns>The exit status.</returns>
    public static int Run(RecordOptions options, string target, long seconds)
    {
        try
        {
            return new AttachSession(options, target, seconds).Run();
        }
        catch (AttachException e)
        {
            throw new CommandFailure(e.Message, e.ExitCode);
        }
        catch (ControlException e)
        {
            throw new CommandFailure(e.Message);
        }
        catch (RecordingException e)
        {
            throw new CommandFailure(e.Message, e.ExitCode);
        }
    }
}
