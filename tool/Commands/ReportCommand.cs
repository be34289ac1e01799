using System.CommandLine;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace report</c>: the trace as text.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var command = new Command("report", "Print a trace as text");
        var input = new TraceInput(command);
        command.SetAction(result => input.Read(result, _ => ExitCode.Success));
        return command;
    }
}
