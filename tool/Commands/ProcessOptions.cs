using System.Collections.Generic;
using System.CommandLine;
using Ftrace.Tool.Attach;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Commands;

/// <summary>The options that say how a process is attached to: of <c>ftrace attach</c> and <c>ftrace record -P</c>.</summary>
internal sealed class ProcessOptions
{
    private readonly Option<long> _seconds = RecordingOptions.Value("--seconds", "-s", "N", "Detach after N seconds, instead of at Ctrl-C", ValueText.ToCount);
    private readonly Option<bool> _force = new("--force") { Description = "Attach also if the process has a seccomp filter, which may end it" };

    private readonly Option<string?> _copyTo = new("--copy-to")
    {
        Description = "If the process does not see the library, as in a container, copy it to this folder of its file system",
        HelpName = "DIR",
    };

    public IReadOnlyList<Option> All => [_seconds, _force, _copyTo];

    /// <summary>Attaches, records, and detaches.</summary>
    /// <param name="options">What to record; without an output nothing is written.</param>
    /// <param name="target">The id of a process, or a socket.</param>
    /// <param name="result">The command line.</param>
    /// <returns>The exit status.</returns>
    public int Run(RecordOptions options, string target, ParseResult result)
    {
        try
        {
            var injection = new AttachOptions(LibraryFile.Find()) { Force = result.GetValue(_force), CopyTo = result.GetValue(_copyTo) };
            return new AttachSession(options, target, result.GetValue(_seconds), injection).Run();
        }
        catch (AttachException e)
        {
            throw new CommandFailure(e.Message, (int)e.Refusal);
        }
        catch (RecordingException e)
        {
            throw new CommandFailure(e.Message, e.ExitCode);
        }
    }

    /// <summary>True if one of them was given.</summary>
    public bool AreGiven(System.CommandLine.Parsing.SymbolResult result)
    {
        foreach (Option option in All)
        {
            if (result.GetResult(option) is { Implicit: false })
            {
                return true;
            }
        }

        return false;
    }
}
