using System;
using System.CommandLine;
using System.IO;
using Ftrace.Record;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace snapshot</c>: writes what all threads have recorded last to a file.</summary>
internal static class SnapshotCommand
{
    public static Command Create()
    {
        Argument<string> target = ControlCommand.Target();
        var output = new Option<string?>("--output", "-o") { Description = "The file to write, which must not exist (ftrace-TIME.data)", HelpName = "FILE" };
        var command = new Command("snapshot", "Write what a process has recorded last to a file, while it runs") { target, output };
        command.SetAction(result =>
        {
            string path = Path.GetFullPath(result.GetValue(output) ?? FormattableString.Invariant($"ftrace-{DateTime.UtcNow:yyyyMMdd'T'HHmmss.fff'Z'}.data"));
            int status = ControlCommand.Run(result.GetRequiredValue(target), ControlKind.Snapshot, path);
            Console.Error.WriteLine($"ftrace: {path}: see it with: ftrace report");
            return status;
        });
        return command;
    }
}
