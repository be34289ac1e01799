using System.CommandLine;
using Ftrace.Tool.Commands;

namespace Ftrace.Tool;

/// <summary>The command <c>ftrace</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var root = new RootCommand("Shows what a program does, function by function.");
        Command record = RecordCommand.Create();
        root.Add(record);
        root.Add(ListCommand.Create());
        root.Add(ReportCommand.Create());
        root.Add(DumpCommand.Create());
        root.Add(StatCommand.Create());
        return CommandLine.Run(root, RecordCommand.SeparateProgram(record, args));
    }
}
