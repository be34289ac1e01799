using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Ftrace.Tool.Commands;

/// <summary>The completion for zsh, made of the functions that it comes with.</summary>
internal sealed class ZshScript(IReadOnlyList<CompletedCommand> commands)
{
    private const string Functions = """
        #compdef ftrace
        # Completion of ftrace for zsh. Made by: ftrace completion zsh

        _ftrace_processes() {
            local folder
            local -a processes
            for folder in /proc/[0-9]*(N); do
                processes+=("${folder:t}:$(<$folder/comm)") 2>/dev/null
            done
            _describe -t processes process processes
        }

        _ftrace_processes_and_files() {
            _alternative 'processes:process:_ftrace_processes' 'files:file:_files'
        }

        _ftrace_program() {
            _alternative 'commands:program:_command_names -e' 'files:program:_files -g "*(-*)"'
        }

        _ftrace() {
            local curcontext="$curcontext" state line
            typeset -A opt_args

        """;

    private const string Dispatch = """
                '1:command:->command' \
                '*::argument:->argument' && return
            case $state in
            command)
                _describe -t commands 'ftrace command' commands
                ;;
            argument)
                curcontext="${curcontext%:*:*}:ftrace-$words[1]:"
                case $words[1] in

        """;

    private const string End = """
                esac
                ;;
            esac
        }

        # In a folder of $fpath the file is the function; otherwise it was sourced.
        if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
            _ftrace "$@"
        else
            compdef _ftrace ftrace
        fi

        """;

    public override string ToString()
    {
        var script = new StringBuilder(Functions);
        script.Append("    local -a commands=(\n");
        foreach (CompletedCommand command in commands.Skip(1))
        {
            script.Append($"        {Quoted($"{command.Name}:{command.Description.Replace(":", "\\:", StringComparison.Ordinal)}")}\n");
        }

        script.Append("    )\n    _arguments -C -S \\\n");
        foreach (CompletedOption option in commands[0].Options)
        {
            script.Append($"        {SpecOf(option)} \\\n");
        }

        script.Append(Dispatch);
        foreach (CompletedCommand command in commands.Skip(1))
        {
            script.Append($"        {command.Name})\n            _arguments -s -S");
            foreach (string spec in command.Options.Select(SpecOf).Concat(command.Arguments.SelectMany(SpecsOf)))
            {
                script.Append($" \\\n                {spec}");
            }

            script.Append("\n            ;;\n");
        }

        script.Append(End);
        return script.ToString();
    }

    /// <summary>For _arguments: those that exclude it, its names, its description, its value.</summary>
    private static string SpecOf(CompletedOption option)
    {
        bool isRepeated = option.Value is { IsRepeated: true };
        string value = option.Value == null ? "" : $":{option.Value.Name.Replace(":", "\\:", StringComparison.Ordinal)}:{ActionOf(option.Value)}";
        string rest = Quoted($"[{Escaped(option.Description)}]{value}");
        string[] names = [.. option.Names.Select(n => option.Value == null ? n : n.StartsWith("--", StringComparison.Ordinal) ? n + "=" : n + "+")];
        string exclusion = isRepeated ? "'*'" : $"'({string.Join(' ', option.Names)})'";
        return names.Length == 1 ? $"{exclusion}{names[0]}{rest}" : $"{exclusion}{{{string.Join(',', names)}}}{rest}";
    }

    private static IEnumerable<string> SpecsOf(CompletedValue argument) => argument.Kind == ValueKind.Program
        ? [Quoted("(-)1:program:_ftrace_program"), Quoted("*::argument:_normal")]
        : [Quoted($"{(argument.IsRepeated ? "*" : "")}:{argument.Name}:{ActionOf(argument)}")];

    private static string ActionOf(CompletedValue value) => value.Kind switch
    {
        ValueKind.Choice => $"({string.Join(' ', value.Choices)})",
        ValueKind.File => "_files",
        ValueKind.Directory => "_files -/",
        ValueKind.Process => "_ftrace_processes",
        ValueKind.ProcessOrFile => "_ftrace_processes_and_files",
        ValueKind.Program => "_ftrace_program",
        _ => " ",
    };

    private static string Escaped(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
