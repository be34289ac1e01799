using System;
using System.CommandLine;
using System.Linq;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace completion SHELL</c>: the script with which a shell completes the command line.</summary>
internal static class CompletionCommand
{
    public static Command Create()
    {
        var shell = new Argument<string>("SHELL")
        {
            HelpName = "SHELL",
            Description = """
                bash, zsh or fish. The installation has the scripts where shells find them below /usr and /usr/local. Elsewhere, put
                the output into a file that the shell reads at its start, or into this folder:
                bash    ~/.local/share/bash-completion/completions/ftrace
                zsh     _ftrace in a folder of $fpath
                fish    ~/.config/fish/completions/ftrace.fish
                """,
        };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print the script with which a shell completes the options of ftrace") { shell };
        command.SetAction(result =>
        {
            CompletedCommand[] commands = CompletedCommand.AllOf((RootCommand)command.Parents.Single());
            Console.Out.Write(result.GetRequiredValue(shell) switch
            {
                "bash" => new BashScript(commands).ToString(),
                "zsh" => new ZshScript(commands).ToString(),
                _ => new FishScript(commands).ToString(),
            });
            return ExitCode.Success;
        });
        return command;
    }
}
