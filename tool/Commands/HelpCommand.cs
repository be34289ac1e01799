using System.CommandLine;
using System.Linq;

namespace Ftrace.Tool.Commands;

/// <summary><c>ftrace help COMMAND</c>: the same as <c>ftrace COMMAND --help</c>.</summary>
internal static class HelpCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("COMMAND") { HelpName = "COMMAND", Description = "A command; without it, all commands are listed", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("help", "Print help of a command") { name };
        name.CompletionSources.Add(_ => Subcommands(command).Select(c => new System.CommandLine.Completions.CompletionItem(c.Name)));
        command.SetAction(result =>
        {
            string? wanted = result.GetValue(name);
            if (wanted != null && Subcommands(command).All(c => c.Name != wanted))
            {
                throw new CommandFailure($"there is no command {wanted}; there are {string.Join(", ", Subcommands(command).Select(c => c.Name))}", ExitCode.Usage);
            }

            string[] args = wanted == null ? ["--help"] : [wanted, "--help"];
            return ((RootCommand)command.Parents.Single()).Parse(args).Invoke(result.InvocationConfiguration);
        });
        return command;
    }

    private static Command[] Subcommands(Command help) => [.. ((Command)help.Parents.Single()).Subcommands.Where(c => !c.Hidden)];
}
