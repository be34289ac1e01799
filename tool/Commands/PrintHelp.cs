using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.IO;
using System.Text.RegularExpressions;

namespace Ftrace.Tool.Commands;

/// <summary><c>--help</c>: what System.CommandLine prints, with the synopsis that the manual page has.</summary>
internal sealed class PrintHelp(HelpAction action) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        TextWriter output = parseResult.InvocationConfiguration.Output;
        using var text = new StringWriter();
        parseResult.InvocationConfiguration.Output = text;
        int status = action.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        string usage = string.Join("\n  ", Synopsis.Of(parseResult.CommandResult.Command));
        output.Write(Regex.Replace(text.ToString().TrimEnd(), @"(?<=^Usage:\r?\n  ).*$", usage.Replace("$", "$$", System.StringComparison.Ordinal), RegexOptions.Multiline) + "\n");
        return status;
    }
}
