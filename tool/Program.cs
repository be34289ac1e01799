using System.CommandLine;
using Ftrace.Tool.Commands;

namespace Ftrace.Tool;

/// <summary>The command <c>ftrace</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        RootCommand root = CommandTree.Create();
        return CommandLine.Run(root, RecordCommand.SeparateProgram(root, args));
    }
}
