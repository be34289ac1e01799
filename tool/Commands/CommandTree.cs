using System.CommandLine;
using System.CommandLine.Help;
using Ftrace.Record;

namespace Ftrace.Tool.Commands;

/// <summary>The command with all its subcommands and options. Help, shell completion and the manual pages are made from it.</summary>
internal static class CommandTree
{
    private const string Description = """
        Records what a program does, function by function, and shows it.

        A program is compiled with -fpatchable-function-entry=5 to be recorded. Then:
          ftrace record ./program    run it, and write ftrace.data
          ftrace report              print what was recorded

        The manual: man ftrace, man ftrace-record, and so on.
        """;

    private const string TriggerText = """
        What calls do, as with ftrace record -T: PATTERN:ACTION, PATTERN:ACTION:COUNT for
        the first calls only, or PATTERN:ACTION:>TIME[:COUNT] for calls that took longer.
        ACTION is snapshot, traceon or traceoff. There can be four.
        """;

    public static RootCommand Create()
    {
        var root = new RootCommand(Description);
        root.Options.Clear();
        var help = new HelpOption("--help", "-h") { Description = "Print help, and end" };
        help.Action = new PrintHelp((HelpAction)help.Action!);
        root.Options.Add(help);
        root.Options.Add(new Option<bool>("--version")
        {
            Description = "Print the version of the command, and of the library that it finds",
            Arity = ArgumentArity.Zero,
            Recursive = true,
            Action = new PrintVersion(),
        });

        // A command is a file in Commands/, and a line here.
        root.Add(RecordCommand.Create());
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
        root.Add(CompletionCommand.Create());
        root.Add(HelpCommand.Create());
        root.Add(AttachProbeCommand.Create());
        return root;
    }
}
