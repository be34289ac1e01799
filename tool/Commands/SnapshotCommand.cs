using System;
using System.CommandLine;
using System.IO;
using Ftrace.Record;
using Ftrace.Tool.Control;

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
            try
            {
                Write(result.GetRequiredValue(target), path);
            }
            catch (ControlException e)
            {
                throw new CommandFailure(e.Message);
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <param name="target">The process, or its trace file.</param>
    /// <param name="path">Absolute: the process, which writes it, has another working directory.</param>
    private static void Write(string target, string path)
    {
        if (Path.Exists(path))
        {
            throw new CommandFailure($"{path}: exists; give another name with -o FILE");
        }

        using var channel = new ControlChannel(target);
        int error = channel.Ask(ControlKind.Snapshot, path).Error;
        if (error == 0)
        {
            CommandLine.PrintError(File.Exists(path) ? $"{path}: see it with: ftrace report {path}" : Elsewhere(channel, path));
            return;
        }

        string hint = channel.SeesOtherFiles ? "; it has mounts or a root directory of its own, give a path that it has" : "";
        throw new CommandFailure(ControlCommand.IsOfFile(error)
            ? $"{path}: process {channel.ProcessId} cannot write it: {Libc.TextOf(error)}{hint}"
            : $"{target}: {ControlCommand.ReasonOf(ControlKind.Snapshot, path, error)}");
    }

    /// <summary>The process has written it, and there is nothing of this name here.</summary>
    private static string Elsewhere(ControlChannel channel, string path)
    {
        string there = $"/proc/{channel.ProcessId}/root{path}";
        string remedy = File.Exists(there) ? $"while it runs, see it with: ftrace report {there}" : "look for it there";
        return $"{path}: is in the file system of process {channel.ProcessId}, which has mounts or a root directory of its own; {remedy}";
    }
}
