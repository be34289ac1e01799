using System.CommandLine;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace attach</c>: records a process that runs already, until Ctrl-C.</summary>
internal static class AttachCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("PID|SOCKET") { Description = "A process, or the socket that FTRACE_CONTROL names in it" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Write what was recorded to this file at the end; one that exists is kept as FILE.old",
            HelpName = "FILE",
            DefaultValueFactory = _ => "",
        };
        var recording = new RecordingOptions();
        var process = new ProcessOptions();
        var command = new Command("attach", "Record a process that runs, and leave it as it was at Ctrl-C") { target };
        foreach (Option option in (Option[])[.. recording.First, output, .. process.All, .. recording.Others])
        {
            command.Add(option);
        }

        command.SetAction(result => process.Run(recording.Read(result, result.GetRequiredValue(output)), result.GetRequiredValue(target), result));
        return command;
    }
}
