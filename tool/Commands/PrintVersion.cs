using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary><c>--version</c>, of each command: <c>ftrace 1.1.0</c>, and a line that names the library.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    /// <summary>As in include/ftrace/version.h.</summary>
    public static string Version { get; } =
        typeof(PrintVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"ftrace {Version}");
        parseResult.InvocationConfiguration.Output.WriteLine($"library: {Library()}");
        return ExitCode.Success;
    }

    private static string Library()
    {
        try
        {
            string path = LibraryFile.Find();
            return LibraryFile.VersionOf(path) is { } version ? $"{path}, {version}" : path;
        }
        catch (RecordingException e)
        {
            return e.Message;
        }
    }
}
