using System;
using System.Collections.Generic;
using System.Linq;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// Proves of indirect calls that they go through the native table: a forward data flow over the registers of one function.
/// </summary>
/// <remarks>
/// A call through a managed function pointer tests bit 1 of it: set, it is no code but a record with the code's
/// address, at -2. Native functions are aligned, so that arm is never taken; it counts as the same call.
/// What a register holds is forgotten as soon as paths disagree or the value goes through memory. Then the call
/// is not proven, which is an error: it can fail code that is right, never pass code that is wrong.
/// </remarks>
internal sealed class NativeCalls
{
    private const int Registers = 16;
    private const long FatPointer = -2;

    private static readonly Register[] s_clobbered =
        [Register.RAX, Register.RCX, Register.RDX, Register.RSI, Register.RDI, Register.R8, Register.R9, Register.R10, Register.R11];

    private readonly NativeTableLayout _layout;
    private readonly List<CodeInstruction> _code;
    private readonly Dictionary<ulong, int> _indices = [];
    private readonly Value[]?[] _states;
    private readonly InstructionInfoFactory _uses = new();

    private NativeCalls(NativeTableLayout layout, List<CodeInstruction> code)
    {
        _layout = layout;
        _code = code;
        _states = new Value[]?[code.Count];
        for (int i = 0; i < code.Count; i++)
        {
            _indices[code[i].Instruction.IP] = i;
        }
    }

    private enum What
    {
        Unknown,
        Statics,
        Table,
        Function,
    }

    /// <summary>The addresses of the proven calls and jumps.</summary>
    public static HashSet<ulong> Find(NativeTableLayout layout, List<CodeInstruction> code)
    {
        var flow = new NativeCalls(layout, code);
        flow.Run();
        return [.. code.Where((instruction, i) => flow.IsNativeCall(i)).Select(instruction => instruction.Instruction.IP)];
    }

    private void Run()
    {
        var work = new Stack<int>();
        Merge(0, new Value[Registers], work);
        while (work.TryPop(out int i))
        {
            Value[] after = After(i);
            Instruction instruction = _code[i].Instruction;
            if (instruction.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch
                && _indices.TryGetValue(instruction.NearBranchTarget, out int target))
            {
                Merge(target, after, work);
            }

            bool goesOn = instruction.FlowControl is FlowControl.Next or FlowControl.ConditionalBranch or FlowControl.Call or FlowControl.IndirectCall;
            if (goesOn && i + 1 < _code.Count)
            {
                Merge(i + 1, after, work);
            }
        }
    }

    private void Merge(int i, Value[] incoming, Stack<int> work)
    {
        if (_states[i] is not { } state)
        {
            _states[i] = [.. incoming];
            work.Push(i);
            return;
        }

        bool changed = false;
        for (int register = 0; register < Registers; register++)
        {
            if (state[register] != incoming[register] && state[register] != default)
            {
                state[register] = default;
                changed = true;
            }
        }

        if (changed)
        {
            work.Push(i);
        }
    }

    private Value[] After(int i)
    {
        Value[] before = _states[i]!;
        Value[] after = [.. before];
        Instruction instruction = _code[i].Instruction;
        foreach (UsedRegister used in _uses.GetInfo(instruction).GetUsedRegisters())
        {
            if (used.Access is not (OpAccess.Read or OpAccess.CondRead) && Index(used.Register) is { } written)
            {
                after[written] = default;
            }
        }

        if (instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
        {
            Array.ForEach(s_clobbered, register => after[Index(register)!.Value] = default);
        }
        else if (instruction.Op0Kind == OpKind.Register && instruction.Op0Register.IsGPR64() && Index(instruction.Op0Register) is { } to)
        {
            after[to] = instruction.Mnemonic switch
            {
                Mnemonic.Mov when instruction.Op1Kind == OpKind.Register => Of(before, instruction.Op1Register),
                Mnemonic.Mov when instruction.Op1Kind == OpKind.Memory => Load(before, _code[i]),
                Mnemonic.Lea when IsTablePointer(_code[i]) => new Value(What.Statics, 0),
                _ => after[to],
            };
        }

        return after;
    }

    private bool IsNativeCall(int i)
    {
        Instruction instruction = _code[i].Instruction;
        if (_states[i] is not { } state || instruction.FlowControl is not (FlowControl.IndirectCall or FlowControl.IndirectBranch))
        {
            return false;
        }

        Value target = instruction.Op0Kind == OpKind.Register ? Of(state, instruction.Op0Register) : Load(state, _code[i], fatPointer: true);
        return target.What == What.Function;
    }

    private Value Load(Value[] state, CodeInstruction code, bool fatPointer = false)
    {
        Instruction instruction = code.Instruction;
        if (IsTablePointer(code))
        {
            return new Value(What.Table, 0);
        }

        if (instruction.MemoryIndex != Register.None || instruction.SegmentPrefix != Register.None || code.References.Count != 0)
        {
            return default;
        }

        long offset = (long)instruction.MemoryDisplacement64;
        return Of(state, instruction.MemoryBase) switch
        {
            { What: What.Statics } when offset == 0 => new Value(What.Table, 0),
            { What: What.Table } when _layout.Slots.ContainsKey(offset) => new Value(What.Function, offset),
            { What: What.Function } function when fatPointer && offset == FatPointer => function,
            _ => default,
        };
    }

    /// <summary>The table's address is the only static of its class.</summary>
    private bool IsTablePointer(CodeInstruction code) =>
        code.Instruction.IsIPRelativeMemoryOperand && code.References.Any(reference => reference.Symbol == _layout.Symbol && reference.Offset == 0);

    private static Value Of(Value[] state, Register register) => register.IsGPR64() && Index(register) is { } i ? state[i] : default;

    private static int? Index(Register register) => register.IsGPR() ? register.GetFullRegister() - Register.RAX : null;

    private readonly record struct Value(What What, long Slot);
}
