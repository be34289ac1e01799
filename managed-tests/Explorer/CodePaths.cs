using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.NoInstr;
using Iced.Intel;

namespace Ftrace.Tests.Explorer;

/// <summary>
/// The ways through a function, each as the memory accesses that it makes and the functions that it calls, in their order: "read NAME",
/// "write NAME", "call NAME". What lies on the stack is left out.
/// </summary>
internal sealed class CodePaths
{
    private const int MostSteps = 200;

    private readonly InstructionInfoFactory _infos = new();
    private readonly Dictionary<ulong, CodeInstruction> _code = [];
    private readonly List<IReadOnlyList<string>> _paths = [];

    private CodePaths(CodeObject code, Function function)
    {
        foreach (CodeInstruction instruction in code.Instructions(function))
        {
            _code.Add(instruction.Instruction.IP, instruction);
        }
    }

    public static IReadOnlyList<IReadOnlyList<string>> Of(CodeObject code, string name)
    {
        Function function = code.Find(name) ?? throw new InvalidDataException($"there is no function {name}");
        var paths = new CodePaths(code, function);
        paths.Walk(function.Start, [], [], 0);
        return paths._paths;
    }

    /// <param name="at">The next instruction.</param>
    /// <param name="events">What was done so far.</param>
    /// <param name="addresses">Registers that hold the address of a symbol.</param>
    /// <param name="steps">Instructions so far.</param>
    private void Walk(ulong at, List<string> events, Dictionary<Register, string> addresses, int steps)
    {
        for (; ; steps++)
        {
            if (steps == MostSteps || !_code.TryGetValue(at, out CodeInstruction? code))
            {
                throw new InvalidDataException($"a way leads out of the function, or never ends, at {at:x}");
            }

            Instruction instruction = code.Instruction;
            Access(code, events, addresses);
            switch (instruction.FlowControl)
            {
                case FlowControl.Next:
                    at = instruction.NextIP;
                    break;
                case FlowControl.Call:
                    events.Add($"call {code.References[0].Symbol}");
                    at = instruction.NextIP;
                    break;
                case FlowControl.UnconditionalBranch when IsInside(code):
                    at = instruction.NearBranchTarget;
                    break;
                case FlowControl.UnconditionalBranch: // a call, and the end
                    events.Add($"call {code.References[0].Symbol}");
                    _paths.Add(events);
                    return;
                case FlowControl.ConditionalBranch when IsInside(code):
                    Walk(instruction.NearBranchTarget, [.. events], new(addresses), steps + 1);
                    at = instruction.NextIP;
                    break;
                case FlowControl.Return:
                    _paths.Add(events);
                    return;
                default:
                    throw new InvalidDataException($"{instruction} is not expected here");
            }
        }
    }

    /// <summary>The compiler knows how far it is, or the linker: then the target is not where the instruction says.</summary>
    private bool IsInside(CodeInstruction code) => _code.ContainsKey(code.Instruction.NearBranchTarget)
        && code.References.All(reference => reference.Function != null && _code.ContainsKey(reference.Address));

    private void Access(CodeInstruction code, List<string> events, Dictionary<Register, string> addresses)
    {
        Instruction instruction = code.Instruction;
        Reference? reference = code.References.FirstOrDefault();
        InstructionInfo info = _infos.GetInfo(instruction);
        bool isAddress = instruction.Mnemonic == Mnemonic.Lea || reference?.IsAddress == true;
        foreach (UsedMemory memory in info.GetUsedMemory().Where(memory => !isAddress && !IsStack(memory, addresses)))
        {
            string name = NameOf(memory, reference, addresses);
            if (memory.Access is OpAccess.Read or OpAccess.ReadWrite)
            {
                events.Add("read " + name);
            }

            if (memory.Access is OpAccess.Write or OpAccess.ReadWrite)
            {
                events.Add("write " + name);
            }
        }

        foreach (UsedRegister register in info.GetUsedRegisters().Where(register => register.Access is OpAccess.Write or OpAccess.ReadWrite))
        {
            addresses.Remove(register.Register.GetFullRegister());
        }

        if (isAddress && reference != null)
        {
            addresses[instruction.Op0Register.GetFullRegister()] = reference.Symbol;
        }
    }

    private static bool IsStack(UsedMemory memory, Dictionary<Register, string> addresses) =>
        memory.Base == Register.RSP || (memory.Base == Register.RBP && !addresses.ContainsKey(Register.RBP));

    private static string NameOf(UsedMemory memory, Reference? reference, Dictionary<Register, string> addresses)
    {
        bool known = addresses.TryGetValue(memory.Base, out string? symbol);
        long offset = (long)memory.Displacement;
        if (!known && reference != null)
        {
            (symbol, offset) = (reference.Symbol, reference.Offset);
        }

        if (symbol == null)
        {
            return $"{memory}";
        }

        return offset == 0 ? symbol : $"{symbol}+{offset}";
    }
}
