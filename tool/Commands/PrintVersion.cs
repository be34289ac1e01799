using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace --version</c>: <c>ftrace 1.1.0</c>.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    /// <summary>As in include/ftrace/version.h.</summary>
    public static string Version { get; } =
        typeof(PrintVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"ftrace {Version}");
        return ExitCode.Success;
    }
}
