using System.Collections.Generic;
using System.Linq;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// Checks the machine code of the data plane: every marked method and whatever it reaches. The kernel's objtool does
/// this for noinstr.
/// </summary>
/// <remarks>
/// Each call or jump that leaves a method goes to the start of a marked one, to the native file, or to a
/// method on the <see cref="AllowList"/>, whose code is then checked too; each indirect one goes through the native table.
/// All other operands with a relocation name memory that is known to be plain. Marked methods that the
/// compiler inlined everywhere have no code of their own, and are checked where they went.
/// </remarks>
internal sealed class NoInstrCheck
{
    private readonly CodeObject _code;
    private readonly MarkedMethods _marked;
    private readonly AllowList _allowed;
    private readonly List<Violation> _violations = [];
    private readonly HashSet<Function> _checked = [];
    private readonly Queue<Function> _toCheck = new();

    private NoInstrCheck(CodeObject code, MarkedMethods marked, AllowList allowed)
    {
        _code = code;
        _marked = marked;
        _allowed = allowed;
    }

    public IReadOnlyList<Violation> Violations => _violations;

    /// <summary>The functions that were looked at.</summary>
    public IReadOnlySet<Function> Checked => _checked;

    public int Instructions { get; private set; }

    /// <summary>Calls and jumps to other methods.</summary>
    public int DirectCalls { get; private set; }

    /// <summary>Calls of the native file.</summary>
    public int NativeCalls { get; private set; }

    public static NoInstrCheck Run(CodeObject code, MarkedMethods marked, AllowList allowed)
    {
        var check = new NoInstrCheck(code, marked, allowed);
        foreach (Function function in code.Functions.Where(marked.Contains))
        {
            check.Reach(function);
        }

        while (check._toCheck.TryDequeue(out Function? function))
        {
            check.Check(function);
        }

        return check;
    }

    private void Reach(Function function)
    {
        if (_checked.Add(function))
        {
            _toCheck.Enqueue(function);
        }
    }

    private void Check(Function function)
    {
        List<CodeInstruction> code = [.. _code.Instructions(function)];
        HashSet<ulong> native = NoInstr.NativeCalls.Find(_allowed.NativeTable, code);
        Instructions += code.Count;
        foreach (CodeInstruction instruction in code)
        {
            switch (instruction.Instruction.FlowControl)
            {
                case FlowControl.Call or FlowControl.UnconditionalBranch or FlowControl.ConditionalBranch
                    when instruction.Instruction.Op0Kind == OpKind.NearBranch64:
                    CheckBranch(function, instruction);
                    break;

                case FlowControl.IndirectCall or FlowControl.IndirectBranch:
                    CheckIndirect(function, instruction, native);
                    break;

                case FlowControl.Next:
                    CheckOperands(function, instruction);
                    break;

                // int3 is what the compiler puts where a call does not return.
                case FlowControl.Return:
                case FlowControl.Interrupt when instruction.Instruction.Mnemonic == Mnemonic.Int3:
                    break;

                default:
                    Report(function, instruction, ViolationKind.BadCode, $"{instruction.Instruction}: not an instruction for this place");
                    break;
            }
        }
    }

    private void CheckBranch(Function function, CodeInstruction instruction)
    {
        Reference target = instruction.References[0];
        if (target.Function == function)
        {
            return;
        }

        DirectCalls++;
        string verb = instruction.Instruction.FlowControl == FlowControl.Call ? "calls" : "jumps to";
        CheckCode(function, instruction, target, verb, ViolationKind.UnmarkedCall);
    }

    private void CheckIndirect(Function function, CodeInstruction instruction, HashSet<ulong> native)
    {
        if (native.Contains(instruction.Instruction.IP))
        {
            NativeCalls++;
            return;
        }

        CheckOperands(function, instruction);
        if (!function.Definitions.Any(_allowed.IndirectCalls.ContainsKey))
        {
            Report(function, instruction, ViolationKind.IndirectCall, $"{instruction.Instruction}: not shown to go through the native table");
        }
    }

    private void CheckOperands(Function function, CodeInstruction instruction)
    {
        foreach (Reference reference in instruction.References)
        {
            if (reference.Function == function)
            {
                continue;
            }

            if (reference.Function != null)
            {
                CheckCode(function, instruction, reference, "takes the address of", ViolationKind.UnmarkedAddress);
            }
            else if (reference.IsThreadLocal)
            {
                Report(function, instruction, ViolationKind.ThreadStatic, $"{reference.Symbol}: a thread-local object of the runtime");
            }
            else if (RuntimeSymbols.Explain(reference.Symbol) is { } runtime)
            {
                Report(function, instruction, runtime.Kind, $"{reference.Symbol}: {runtime.Meaning}");
            }
            else if (!AllowList.AllowsData(reference.Symbol))
            {
                Report(function, instruction, ViolationKind.UnknownData, $"{reference.Symbol}: data that is not on the list");
            }
        }
    }

    /// <summary>A reference to code, which is or will be executed.</summary>
    private void CheckCode(Function function, CodeInstruction instruction, Reference target, string verb, ViolationKind otherwise)
    {
        if (target.Function is { } callee && callee.Start != target.Address)
        {
            Report(function, instruction, ViolationKind.MiddleOfMethod, $"{verb} the middle of {target.Symbol}");
        }
        else if (target.Function is { } marked && _marked.Contains(marked))
        {
            Reach(marked);
        }
        else if (target.Function is { } allowed && allowed.Definitions.Any(_allowed.Calls.ContainsKey))
        {
            Reach(allowed);
        }
        else if (target.Function != null || !_allowed.NativeFunctions.Contains(target.Symbol))
        {
            (ViolationKind kind, string meaning) = RuntimeSymbols.Explain(target.Symbol) ?? (otherwise, "is not marked [NoInstr]");
            Report(function, instruction, kind, $"{verb} {target.Symbol}: {meaning}");
        }
    }

    private void Report(Function function, CodeInstruction instruction, ViolationKind kind, string text) =>
        _violations.Add(new Violation(kind, function.Name, instruction.Instruction.IP - function.Start, text));
}
