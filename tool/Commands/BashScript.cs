using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Ftrace.Tool.Commands;

/// <summary>The completion for bash. It needs no other file; with the package bash-completion, the program of <c>record</c> is completed too.</summary>
internal sealed class BashScript(IReadOnlyList<CompletedCommand> commands)
{
    private const string Functions = """
        # shellcheck shell=bash
        # Completion of ftrace for bash. Made by: ftrace completion bash

        _ftrace_words() {
            mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
        }

        # _ftrace_files [d]: files, or directories; bash quotes their names
        _ftrace_files() {
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen "-${1:-f}" -- "$cur")
        }

        _ftrace_processes() {
            _ftrace_words "$(cd /proc && echo [0-9]*)"
        }

        _ftrace_processes_and_files() {
            local processes
            _ftrace_processes
            processes=("${COMPREPLY[@]}")
            _ftrace_files
            COMPREPLY+=("${processes[@]}")
        }

        _ftrace_program() {
            if [[ $cur == */* ]]; then
                _ftrace_files
            else
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -c -d -- "$cur" | sort -u)
            fi
        }

        # The arguments of the program that ftrace record runs; $1: where it is in COMP_WORDS
        _ftrace_arguments() {
            if declare -F _comp_command_offset >/dev/null; then
                _comp_command_offset "$1"
            elif declare -F _command_offset >/dev/null; then
                _command_offset "$1"
            else
                _ftrace_files
            fi
        }

        _ftrace_takes_value() {
            local options=''
            case $command in

        """;

    private const string Walk = """
            esac
            [[ " $options " == *" $1 "* ]]
        }

        _ftrace() {
            local cur=${COMP_WORDS[COMP_CWORD]} command='' option='' word i
            local -i position=0 only_arguments=0
            COMPREPLY=()
            # "--option=value" is three words.
            for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ -n $option ]]; then
                    [[ $word == = ]] || option=
                elif [[ $word == -- ]]; then
                    only_arguments=1
                elif [[ $word == -?* ]] && ((!only_arguments)); then
                    ! _ftrace_takes_value "$word" || option=$word
                elif [[ -z $command ]]; then
                    command=$word
                else
                    position+=1
                    if [[ $command == record ]]; then
                        _ftrace_arguments "$i"
                        return
                    fi
                fi
            done
            [[ -z $option || $cur != = ]] || cur=
            if [[ -n $option ]]; then
                case "$command $option" in

        """;

    public override string ToString()
    {
        CompletedCommand[] subcommands = [.. commands.Skip(1)];
        var script = new StringBuilder(Functions);
        foreach (CompletedCommand command in subcommands.Where(c => c.Options.Any(o => o.Value != null)))
        {
            script.Append($"    {command.Name}) options='{string.Join(' ', command.Options.Where(o => o.Value != null).SelectMany(o => o.Names))}' ;;\n");
        }

        script.Append(Walk);
        foreach (CompletedCommand command in subcommands)
        {
            foreach (CompletedOption option in command.Options.Where(o => o.Value is { Kind: not ValueKind.Any }))
            {
                script.Append("        ").AppendJoin(" | ", option.Names.Select(n => $"'{command.Name} {n}'")).Append($") {ActionOf(option.Value!)} ;;\n");
            }
        }

        script.Append("        esac\n        return\n    fi\n    if [[ $cur == -* ]] && ((!only_arguments)); then\n        case $command in\n");
        foreach (CompletedCommand command in commands)
        {
            script.Append($"        '{command.Name}') _ftrace_words '{string.Join(' ', command.Options.SelectMany(o => o.Names))}' ;;\n");
        }

        script.Append("        esac\n        return\n    fi\n    case \"$command $position\" in\n");
        script.Append($"    ' 0') _ftrace_words '{string.Join(' ', subcommands.Select(c => c.Name))}' ;;\n");
        foreach (CompletedCommand command in subcommands)
        {
            for (int i = 0; i < command.Arguments.Count; i++)
            {
                CompletedValue argument = command.Arguments[i];
                if (argument.Kind != ValueKind.Any)
                {
                    script.Append($"    '{command.Name} {i}'{(argument.IsRepeated ? "*" : "")}) {ActionOf(argument)} ;;\n");
                }
            }
        }

        script.Append("    esac\n}\n\ncomplete -F _ftrace ftrace\n");
        return script.ToString();
    }

    private static string ActionOf(CompletedValue value) => value.Kind switch
    {
        ValueKind.Choice => $"_ftrace_words '{string.Join(' ', value.Choices)}'",
        ValueKind.File => "_ftrace_files",
        ValueKind.Directory => "_ftrace_files d",
        ValueKind.Process => "_ftrace_processes",
        ValueKind.ProcessOrFile => "_ftrace_processes_and_files",
        ValueKind.Program => "_ftrace_program",
        _ => ":",
    };
}
