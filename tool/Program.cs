using System.CommandLine;
using Ftrace.Tool.Commands;

namespace Ftrace.Tool;

/// <summary>The command <c>ftrace</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var root = new RootCommand("Shows what a program does, function by function.");
        root.Add(ReportCommand.Create());
        root.Add(StatCommand.Create());
        root.Add(GraphCommand.Create());
        return CommandLine.Run(root, args);
    }
}
