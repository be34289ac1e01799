using System.Collections.Generic;
using System.Linq;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// Whether an entry of Native/trace_entry.S or graph_entry.S leaves with the registers that it was entered with, on every way through it, with
/// the stack pointer where the ones who continue expect it, and with the right word as the address of that.
/// </summary>
/// <remarks>
/// The vector registers are only moved to the stack and back, and are there when a function of C is called that may use them. Flags are the
/// subject of native-tests/trace/preserve.c.
/// </remarks>
internal sealed class RegisterCheck
{
    /// <summary>These use no vector registers: see <see cref="TrampolineTests"/>.</summary>
    private static readonly string[] s_general = ["ftrace_graph_call", "ftrace_graph_exit", "ftrace_record_slow", "ftrace_record_slow_entry"];

    private static readonly int[] s_callClobbered = [0, 1, 2, 6, 7, 8, 9, 10, 11];

    private readonly TrampolineCode _code;
    private readonly Dictionary<ulong, RegisterState> _states = [];
    private readonly Queue<ulong> _open = new();
    private readonly SortedDictionary<ulong, string> _violations = [];
    private readonly InstructionInfoFactory _infos = new();

    public RegisterCheck(TrampolineCode code, string entry)
    {
        _code = code;
        Reach(code.EntryOf(entry), RegisterState.AtEntry);
        while (_open.TryDequeue(out ulong ip))
        {
            Follow(code.Decode(ip), _states[ip]);
        }

        foreach ((ulong ip, RegisterState state) in _states)
        {
            Verify(code.Decode(ip), state);
        }
    }

    public IEnumerable<string> Violations => _violations.Values;

    /// <summary>What the instructions that leave continue with: the word, and the stack pointer then.</summary>
    public HashSet<(RegisterValue Target, int StackPointer)> Ends { get; } = [];

    /// <summary>Moves of registers to the stack and back, and of the stack pointer, without any of which there is a violation.</summary>
    public IEnumerable<Instruction> Moves => _states.Keys.Order().Select(_code.Decode).Where(code => code.Mnemonic switch
    {
        Mnemonic.Push => code.Op0Register.IsGPR64() && _states[code.IP].Registers[code.Op0Register.GetNumber()].Kind == RegisterValueKind.Register,
        Mnemonic.Pop => true,
        Mnemonic.Lea => code.Op0Register == Register.RSP,
        Mnemonic.Movdqa => code.MemoryBase == Register.RSP,
        _ => false,
    });

    private static bool IsVector(Register register) => register.IsVectorRegister() || register is >= Register.K0 and <= Register.K7;

    private static RegisterValue AddressOf(Instruction code, RegisterState state)
    {
        RegisterValue start = code.MemoryBase.IsGPR64() ? state.Registers[code.MemoryBase.GetNumber()] : RegisterValue.Unknown;
        bool isPlain = start.Kind == RegisterValueKind.Stack && code.MemoryIndex == Register.None;
        return isPlain ? RegisterValue.Stack(start.Number + (int)code.MemoryDisplacement64) : RegisterValue.Unknown;
    }

    private static RegisterValue Load(RegisterValue address, RegisterState state) =>
        address.Kind == RegisterValueKind.Stack ? state.WordAt(address.Number) : RegisterValue.Unknown;

    private void Reach(ulong ip, RegisterState state)
    {
        RegisterState now = state;
        if (_states.TryGetValue(ip, out RegisterState? before))
        {
            now = before.Merge(state);
            if (now.IsSameAs(before))
            {
                return;
            }
        }

        _states[ip] = now;
        _open.Enqueue(ip);
    }

    private void Follow(Instruction code, RegisterState state)
    {
        RegisterState after = After(code, state);
        foreach (ulong other in _code.JumpsFrom(code.IP))
        {
            Reach(other, after);
        }

        if (code.FlowControl is FlowControl.UnconditionalBranch or FlowControl.ConditionalBranch)
        {
            Reach(code.NearBranchTarget, after);
        }

        if (code.FlowControl is FlowControl.Next or FlowControl.Call or FlowControl.IndirectCall or FlowControl.ConditionalBranch)
        {
            Reach(code.NextIP, after);
        }
    }

    private RegisterState After(Instruction code, RegisterState state)
    {
        RegisterValue stack = state.Registers[RegisterState.Rsp];
        if (code.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
        {
            RegisterState called = s_callClobbered.Aggregate(state, (now, register) => now.With(register, RegisterValue.Unknown));
            return UsesVectors(code, state) ? called with { Intact = 0 } : called;
        }

        if (IsVector(code.Op1Register))
        {
            return state with { Saved = state.Saved | BitOf(code.Op1Register) };
        }

        if (IsVector(code.Op0Register))
        {
            return state with { Saved = 0, Intact = state.Intact | BitOf(code.Op0Register) };
        }

        switch (code.Mnemonic)
        {
            case Mnemonic.Push or Mnemonic.Pushfq:
                RegisterValue below = Add(stack, -8);
                RegisterValue pushed = code.Op0Register.IsGPR64() ? state.Registers[code.Op0Register.GetNumber()] : RegisterValue.Unknown;
                return state.With(RegisterState.Rsp, below).Store(below, code.Mnemonic == Mnemonic.Push ? pushed : RegisterValue.Unknown);

            case Mnemonic.Pop when code.Op0Register.IsGPR64():
                return state.With(RegisterState.Rsp, Add(stack, 8)).With(code.Op0Register.GetNumber(), Load(stack, state));

            case Mnemonic.Mov when code.Op0Register.IsGPR64() && code.Op1Register.IsGPR64():
                return state.With(code.Op0Register.GetNumber(), state.Registers[code.Op1Register.GetNumber()]);

            case Mnemonic.Mov when code.Op0Register.IsGPR64() && code.Op1Kind == OpKind.Memory && code.MemorySegment != Register.FS:
                return state.With(code.Op0Register.GetNumber(), Load(AddressOf(code, state), state));

            case Mnemonic.Mov when code.Op0Kind == OpKind.Memory && code.Op1Register.IsGPR64():
                return state.Store(AddressOf(code, state), state.Registers[code.Op1Register.GetNumber()]);

            case Mnemonic.Lea when code.Op0Register.IsGPR64():
                return state.With(code.Op0Register.GetNumber(), AddressOf(code, state));

            default:
                return Overwrite(code, state);
        }
    }

    private static RegisterValue Add(RegisterValue stack, int bytes) =>
        stack.Kind == RegisterValueKind.Stack ? RegisterValue.Stack(stack.Number + bytes) : RegisterValue.Unknown;

    private static uint BitOf(Register register) => register.IsVectorRegister() && register.GetNumber() < 16 ? 1u << register.GetNumber() : 0;

    /// <summary>What an instruction writes whose result is of no interest.</summary>
    private RegisterState Overwrite(Instruction code, RegisterState state)
    {
        InstructionInfo info = _infos.GetInfo(code);
        foreach (UsedRegister used in info.GetUsedRegisters())
        {
            bool writes = used.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
            Register full = used.Register.GetFullRegister();
            state = writes && full.IsGPR64() ? state.With(full.GetNumber(), RegisterValue.Unknown) : state;
        }

        bool stores = code.OpCount > 0 && code.Op0Kind == OpKind.Memory && info.Op0Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite;
        return stores ? state.Store(AddressOf(code, state), RegisterValue.Unknown) : state;
    }

    /// <summary>True for a call of a function in another file, unless it has none; and of a handler, if they were saved for it.</summary>
    private bool UsesVectors(Instruction code, RegisterState state) => code.FlowControl == FlowControl.IndirectCall
        ? state.Saved != 0
        : code.FlowControl == FlowControl.Call && _code.CalledBy(code) is { Length: > 0 } name && !s_general.Contains(name);

    private void Verify(Instruction code, RegisterState state)
    {
        if (UsesVectors(code, state))
        {
            Demand(code, state.Saved == RegisterState.All, "calls a function that may use vector registers, which are not saved");
        }

        bool usesVector = Enumerable.Range(0, code.OpCount).Any(n => IsVector(code.GetOpRegister(n)));
        if (usesVector)
        {
            bool moves = code.Mnemonic is Mnemonic.Movdqa or Mnemonic.Vmovdqa or Mnemonic.Vmovdqa64 or Mnemonic.Kmovq && code.MemoryBase == Register.RSP;
            Demand(code, moves, "does more with a vector register than to save or restore it");
        }

        if (code.FlowControl is FlowControl.Return or FlowControl.IndirectBranch)
        {
            VerifyEnd(code, state);
        }
    }

    private void VerifyEnd(Instruction code, RegisterState state)
    {
        for (int register = 0; register < 16; register++)
        {
            bool same = register == RegisterState.Rsp || state.Registers[register] == new RegisterValue(RegisterValueKind.Register, register);
            Demand(code, same, $"leaves with register {register} changed");
        }

        Demand(code, state.Intact == RegisterState.All, "leaves with vector registers changed");
        RegisterValue stack = state.Registers[RegisterState.Rsp];
        Demand(code, stack.Kind == RegisterValueKind.Stack, "leaves with an unknown stack pointer");
        RegisterValue from = code.FlowControl == FlowControl.Return ? stack : AddressOf(code, state);
        Ends.Add((Load(from, state), stack.Number));
    }

    private void Demand(Instruction code, bool holds, string otherwise)
    {
        if (!holds)
        {
            _violations[code.IP] = $"{code.IP:x}: {code} {otherwise}";
        }
    }
}
