using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Ftrace.Tool.Commands;

/// <summary>The completion for fish.</summary>
internal sealed class FishScript(IReadOnlyList<CompletedCommand> commands)
{
    private const string Functions = """
        # Completion of ftrace for fish. Made by: ftrace completion fish

        # Prints the command, and how many arguments follow it before the cursor.
        function __ftrace_position
            set -l tokens (commandline -opc)[2..-1]
            set -l command
            set -l position 0
            set -l is_value 0
            for token in $tokens
                if test $is_value = 1
                    set is_value 0
                else if string match -q -- '-?*' $token; and not contains -- -- $tokens
                    if contains -- "$command $token" $__ftrace_takes_value
                        set is_value 1
                    end
                else if test -z "$command"
                    set command $token
                else
                    set position (math $position + 1)
                end
            end
            echo $command
            echo $position
        end

        # True in this command: before any other one if it is empty
        function __ftrace_in
            set -l here (__ftrace_position)
            test "$here[1]" = "$argv[1]"; or return 1
            # The program of record has its own options.
            not test "$argv[1]" = record -a "$here[2]" -gt 0
        end

        # True at this argument of this command
        function __ftrace_at
            set -l here (__ftrace_position)
            test "$here[1]" = "$argv[1]" -a "$here[2]" -ge $argv[2]; and test -n "$argv[3]" -o "$here[2]" = $argv[2]
        end

        # The program of record, and what follows
        function __ftrace_program
            set -l tokens (commandline -opc)
            set -l here (__ftrace_position)
            set -l last (commandline -ct)
            if test "$here[2]" = 0
                string match -q -- '-*' $last; or complete --do-complete=$last
                return
            end
            set -l start (math (count $tokens) - $here[2] + 1)
            complete --do-complete=(string join ' ' -- (string escape -- $tokens[$start..-1]) $last)
        end


        """;

    public override string ToString()
    {
        CompletedCommand[] subcommands = [.. commands.Skip(1)];
        var script = new StringBuilder(Functions);
        var taking = subcommands.SelectMany(c => c.Options.Where(o => o.Value != null).SelectMany(o => o.Names.Select(n => $"'{c.Name} {n}'")));
        script.Append($"set -g __ftrace_takes_value {string.Join(" \\\n    ", taking)}\n\n");
        script.Append("complete -c ftrace -f\n");
        foreach (CompletedCommand command in subcommands)
        {
            script.Append($"complete -c ftrace -n '__ftrace_in \"\"' -a {command.Name} -d {Quoted(command.Description)}\n");
        }

        foreach (CompletedCommand command in commands)
        {
            script.Append('\n');
            string name = command.Name.Length == 0 ? "\"\"" : command.Name;
            foreach (CompletedOption option in command.Options)
            {
                string names = string.Join(' ', option.Names.Select(n => n.StartsWith("--", StringComparison.Ordinal) ? $"-l {n[2..]}" : $"-s {n[1..]}"));
                string value = option.Value == null ? "" : $" {ActionOf(option.Value)}";
                script.Append($"complete -c ftrace -n '__ftrace_in {name}' {names}{value} -d {Quoted(option.Description)}\n");
            }

            for (int i = 0; i < command.Arguments.Count; i++)
            {
                CompletedValue argument = command.Arguments[i];
                if (argument.Kind != ValueKind.Any)
                {
                    script.Append($"complete -c ftrace -n '__ftrace_at {name} {i}{(argument.IsRepeated ? " more" : "")}' {ActionOf(argument).Replace("-r ", "", StringComparison.Ordinal).Replace("-x ", "", StringComparison.Ordinal)}\n");
                }
            }
        }

        return script.ToString();
    }

    /// <summary>-x: a value, and no files; -r -F: a value, and files.</summary>
    private static string ActionOf(CompletedValue value) => value.Kind switch
    {
        ValueKind.Choice => $"-x -a '{string.Join(' ', value.Choices)}'",
        ValueKind.File => "-r -F",
        ValueKind.Directory => "-x -a '(__fish_complete_directories)'",
        ValueKind.Process => "-x -a '(__fish_complete_pids)'",
        ValueKind.ProcessOrFile => "-r -F -a '(__fish_complete_pids)'",
        ValueKind.Program => "-x -a '(__ftrace_program)'",
        _ => "-x",
    };

    private static string Quoted(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
