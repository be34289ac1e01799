using System.CommandLine;
using System.Linq;
using Ftrace.Record;
using Ftrace.Tool.Commands;

namespace Ftrace.Tool;

/// <summary>The command <c>ftrace</c>.</summary>
internal static class Program
{
    private const string Description = """
        Records what a program does, function by function, and shows it.

        A program is compiled with -fpatchable-function-entry=5 to be recorded. Then:
          ftrace record ./program    run it, and write ftrace.data
          ftrace report              print what was recorded
        """;

    private const string TriggerText = """
        What calls do, as with ftrace record -T: PATTERN:ACTION, PATTERN:ACTION:COUNT for
        the first calls only, or PATTERN:ACTION:>TIME[:COUNT] for calls that took longer.
        ACTION is snapshot, traceon or traceoff. There can be four.
        """;

    private static int Main(string[] args)
    {
        var root = new RootCommand(Description);
        root.Options.OfType<VersionOption>().Single().Action = new PrintVersion();

        // A command is a file in Commands/, and a line here.
        Command record = RecordCommand.Create();
        root.Add(record);
        root.Add(AttachCommand.Create());
        root.Add(ControlCommand.Create("detach", "End the recording of a process that ftrace is attached to", ControlKind.Detach));
        root.Add(ListCommand.Create());
        root.Add(ReportCommand.Create());
        root.Add(DumpCommand.Create());
        root.Add(StatCommand.Create());
        root.Add(GraphCommand.Create());
        root.Add(StatusCommand.Create());
        root.Add(ControlCommand.Create("on", "Record calls of a process again", ControlKind.On));
        root.Add(ControlCommand.Create("off", "Record no calls of a process for now", ControlKind.Off));
        root.Add(FilterCommand.Create());
        root.Add(ControlCommand.CreateList(
            "notrace", "Change which calls of a process are not recorded", ControlKind.Notrace, "PATTERN", "Functions not to record, as with: ftrace record -n"));
        root.Add(ControlCommand.CreateList(
            "trigger", "Change which calls of a process write a snapshot, or switch the recording", ControlKind.Trigger, "TRIGGER", TriggerText));
        root.Add(SnapshotCommand.Create());
        root.Add(AttachProbeCommand.Create());
        return CommandLine.Run(root, RecordCommand.SeparateProgram(record, args));
    }
}
