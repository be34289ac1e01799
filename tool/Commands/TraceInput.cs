using System;
using System.CommandLine;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Commands;

/// <summary>The file that a command reads: <c>[FILE]</c>, <c>-i FILE</c>, or <c>ftrace.data</c>.</summary>
internal sealed class TraceInput
{
    public const string DefaultName = "ftrace.data";

    private readonly Argument<string?> _argument = new("FILE")
    {
        Description = $"The trace to read ({DefaultName})",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _option = new("--input", "-i")
    {
        Description = "The same as FILE",
        HelpName = "FILE",
    };

    /// <param name="command">Gets the option, and the argument, unless it has another one.</param>
    /// <param name="withArgument">False: the command has other arguments.</param>
    public TraceInput(Command command, bool withArgument = true)
    {
        if (withArgument)
        {
            command.Add(_argument);
            command.Validators.Add(result =>
            {
                if (result.GetValue(_argument) != null && result.GetValue(_option) != null)
                {
                    result.AddError("FILE and --input are the same; give one of them");
                }
            });
        }

        command.Add(_option);
    }

    public string PathIn(ParseResult result) => result.GetValue(_option) ?? result.GetValue(_argument) ?? DefaultName;

    /// <summary>Opens the file, calls a function with it, and reports what was damaged.</summary>
    /// <returns>The exit status: 1 if the file was damaged, else that of the function.</returns>
    public int Read(ParseResult result, Func<TraceFile, int> function)
    {
        using TraceFile file = TraceFile.Open(PathIn(result));
        int status = function(file);
        return PrintDamages(file) ? ExitCode.Failure : status;
    }

    /// <summary>Prints the damages that were found while the file was read. Returns true if there are any.</summary>
    public static bool PrintDamages(TraceFile file)
    {
        const int MaxPrinted = 10;

        for (int i = 0; i < Math.Min(file.Damages.Count, MaxPrinted); i++)
        {
            CommandLine.PrintError($"{file.Path}: damaged at offset {file.Damages[i].Offset}: {file.Damages[i].Reason}; the rest was read");
        }

        if (file.DamageCount > MaxPrinted)
        {
            CommandLine.PrintError($"{file.Path}: damaged at {file.DamageCount - MaxPrinted} more places");
        }

        return file.DamageCount != 0;
    }
}
