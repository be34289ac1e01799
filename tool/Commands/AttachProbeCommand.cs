using System;
using System.CommandLine;
using System.Globalization;
using Ftrace.Tool.Attach;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace attach-probe</c>, for tests: attaches, prints how long that took, and leaves.</summary>
internal static class AttachProbeCommand
{
    public static Command Create()
    {
        var target = new Argument<int>("PID") { Description = "A process" };
        var library = new Option<string?>("--library") { Description = "The library" };
        var force = new Option<bool>("--force") { Description = "Attach also if the process has a seccomp filter" };
        var copyTo = new Option<string?>("--copy-to") { Description = "A folder of the process that the library is copied to" };
        var dieAt = new Option<int>("--die-at") { Description = "Be killed before this step" };
        var command = new Command("attach-probe", "Attach to a process and leave it, for tests") { target, library, force, copyTo, dieAt };
        command.Hidden = true;
        command.SetAction(result =>
        {
            try
            {
                var options = new AttachOptions(result.GetValue(library) ?? LibraryFile.Find()) { Force = result.GetValue(force), CopyTo = result.GetValue(copyTo) };
                AttachSteps.DieAt(result.GetValue(dieAt));
                using var end = new EndRequest();
                using AttachedProcess process = Injector.Open(result.GetRequiredValue(target), options, end);
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"path={process.Path} was_loaded={(process.WasLoaded ? 1 : 0)} still_us={process.StoodStill.TotalMicroseconds:F0} took_us={process.Took.TotalMicroseconds:F0}"));
            }
            catch (AttachException e)
            {
                throw new CommandFailure(e.Message, (int)e.Refusal);
            }
            catch (RecordingException e)
            {
                throw new CommandFailure(e.Message);
            }

            return ExitCode.Success;
        });
        return command;
    }
}
