using System;
using System.Collections.Generic;
using System.Linq;
using Ftrace.Tests.Elf;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// Whether the machine code of Native/trace_entry.S does to the words of a thread what <see cref="Explorer.Handshakes.GraceScenario"/> takes it to do, on every
/// way through it:
/// </summary>
/// <remarks>
/// The thread marks itself before it reads the call in the text, the slot, the table or the ops, and before it calls the handler. After
/// a handler, nobody returns with the mark still there. It takes away its own only, counts a quiescent state after that, and in an NMI only if
/// it has seen no other mark.
/// </remarks>
internal sealed class TrampolineCheck
{
    private readonly byte[] _code;
    private readonly Dictionary<ulong, string> _symbols = [];
    private readonly Dictionary<ulong, ulong[]> _calls = [];
    private readonly Dictionary<ulong, TrampolineFacts> _facts = [];
    private readonly Queue<ulong> _open = new();
    private readonly SortedDictionary<ulong, string> _violations = [];

    public TrampolineCheck(ElfObject elf, IEnumerable<string> entries, Action<byte[]>? change = null)
    {
        int section = elf.Symbols.First(symbol => symbol.Name == entries.First()).Section;
        _code = elf.Content(section);
        change?.Invoke(_code);
        foreach (ElfRelocation relocation in elf.Relocations(section))
        {
            _symbols[relocation.Offset] = relocation.Symbol.Name;
        }

        // The nops that may become jumps: lib/Trace/FtraceCall.cs.
        ElfSymbol calls = elf.Symbols.First(symbol => symbol.Name == "ftrace_calls");
        Dictionary<ulong, ulong> distances = elf.Relocations(calls.Section).ToDictionary(distance => distance.Offset, distance => distance.Symbol.Value + (ulong)distance.Addend);
        for (ulong at = calls.Value; at < calls.Value + calls.Size; at += Offsets.FtraceCall_SizeOf)
        {
            _calls[distances[at + Offsets.FtraceCall_Ip]] = [distances[at + Offsets.FtraceCall_Redirect], distances[at + Offsets.FtraceCall_Done]];
        }

        foreach (string entry in entries)
        {
            Reach(elf.Symbols.First(symbol => symbol.Name == entry).Value, TrampolineFacts.None);
        }

        while (_open.TryDequeue(out ulong ip))
        {
            Follow(Decode(ip), _facts[ip]);
        }
    }

    public IEnumerable<string> Violations => _violations.Values;

    /// <summary>Where the thread marks itself outside of NMIs.</summary>
    public IEnumerable<Instruction> Marks => Every.Where(code => Stores(code, Offsets.TraceThread_Mark) && code.Op1Kind == OpKind.Register);

    /// <summary>Where it takes that mark away.</summary>
    public IEnumerable<Instruction> Clears => Every.Where(code => Stores(code, Offsets.TraceThread_Mark) && code.Op1Kind != OpKind.Register);

    /// <summary>Where it sets or clears the bit of a level.</summary>
    public IEnumerable<Instruction> Levels => Every.Where(code => Stores(code, Offsets.TraceThread_Levels));

    public IEnumerable<Instruction> HandlerCalls => Every.Where(code => code.IsCallNearIndirect);

    private IEnumerable<Instruction> Every => _facts.Keys.Order().Select(Decode);

    private Instruction Decode(ulong ip)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(_code, (int)ip, _code.Length - (int)ip));
        decoder.IP = ip;
        return decoder.Decode();
    }

    private void Reach(ulong ip, TrampolineFacts facts)
    {
        TrampolineFacts now = facts;
        if (_facts.TryGetValue(ip, out TrampolineFacts before))
        {
            now = (before & facts & TrampolineFacts.OnEveryWay) | ((before | facts) & ~TrampolineFacts.OnEveryWay);
            if (now == before)
            {
                return;
            }
        }

        _facts[ip] = now;
        _open.Enqueue(ip);
    }

    private void Follow(Instruction code, TrampolineFacts facts)
    {
        TrampolineFacts after = After(code, facts);
        foreach (ulong other in _calls.GetValueOrDefault(code.IP, []))
        {
            Reach(other, after);
        }

        switch (code.FlowControl)
        {
            case FlowControl.UnconditionalBranch:
                Reach(code.NearBranchTarget, after);
                break;
            case FlowControl.ConditionalBranch:
                Reach(code.NearBranchTarget, after);
                Reach(code.NextIP, after);
                break;
            case FlowControl.Next or FlowControl.Call or FlowControl.IndirectCall:
                Reach(code.NextIP, after);
                break;
            case FlowControl.Return:
                Demand(code, (facts & TrampolineFacts.Owes) == 0, "returns with the mark of a handler that has ended");
                break;
            default:
                Demand(code, false, "is not an instruction for this place");
                break;
        }
    }

    private TrampolineFacts After(Instruction code, TrampolineFacts facts)
    {
        bool isMarked = (facts & TrampolineFacts.Marked) != 0;
        if (code.IsCallNearIndirect)
        {
            Demand(code, isMarked, "calls a handler before the mark");
            return (facts | TrampolineFacts.Owes) & ~TrampolineFacts.Compared;
        }

        if (code.FlowControl == FlowControl.Call)
        {
            bool leaves = _symbols.GetValueOrDefault(code.NextIP - sizeof(int)) == "ftrace_leave_mark";
            return leaves ? TrampolineFacts.None : facts;
        }

        if (code.MemoryBase is Register.RDX or Register.RDI && code.Mnemonic != Mnemonic.Lea && code.Mnemonic != Mnemonic.Nop)
        {
            Demand(code, isMarked, "reads what may change before the mark");
        }

        if (Stores(code, Offsets.TraceThread_Mark))
        {
            return code.Op1Kind == OpKind.Register ? Mark(facts) : Clear(code, facts, (facts & TrampolineFacts.Compared) != 0);
        }

        if (Stores(code, Offsets.TraceThread_Levels))
        {
            return (facts & TrampolineFacts.BitSet) != 0 ? Mark(facts) : Clear(code, facts, isOwn: true) | TrampolineFacts.OthersUnknown;
        }

        if (code.Mnemonic == Mnemonic.Inc && IsOfRecord(code, Offsets.TraceThread_QuiescentStates))
        {
            Demand(code, (facts & TrampolineFacts.Cleared) != 0, "counts a quiescent state before the mark is gone");
            Demand(code, (facts & TrampolineFacts.OthersUnknown) == 0, "counts a quiescent state though there may be other marks");
        }

        bool looksAtMark = IsOfRecord(code, Offsets.TraceThread_Mark);
        return code.Mnemonic switch
        {
            Mnemonic.Cmp when looksAtMark => facts | TrampolineFacts.Compared,
            Mnemonic.Or when looksAtMark => facts & ~TrampolineFacts.OthersUnknown,
            Mnemonic.Bts => facts | TrampolineFacts.BitSet,
            Mnemonic.Btr => facts & ~TrampolineFacts.BitSet,
            _ => facts,
        };
    }

    private static TrampolineFacts Mark(TrampolineFacts facts) =>
        (facts | TrampolineFacts.Marked) & ~(TrampolineFacts.Cleared | TrampolineFacts.Compared | TrampolineFacts.BitSet);

    private TrampolineFacts Clear(Instruction code, TrampolineFacts facts, bool isOwn)
    {
        Demand(code, isOwn, "takes a mark away that may be another's");
        return (facts | TrampolineFacts.Cleared) & ~(TrampolineFacts.Marked | TrampolineFacts.Owes);
    }

    private static bool Stores(Instruction code, int offset) => code.Mnemonic == Mnemonic.Mov && code.Op0Kind == OpKind.Memory && IsOfRecord(code, offset);

    /// <summary>The thread's record is in rcx or rbp.</summary>
    private static bool IsOfRecord(Instruction code, int offset) => code.MemoryBase is Register.RCX or Register.RBP
        && code.MemoryIndex == Register.None && code.MemoryDisplacement64 == (ulong)offset
        && (code.Op0Kind == OpKind.Memory || code.Op1Kind == OpKind.Memory);

    private void Demand(Instruction code, bool holds, string otherwise)
    {
        if (!holds)
        {
            _violations[code.IP] = $"{code.IP:x}: {code} {otherwise}";
        }
    }
}
