using System;
using System.Collections.Generic;
using System.Linq;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// Whether the machine code of Native/trace_entry.S and graph_entry.S does to the words of a thread what <see cref="Explorer.Handshakes.GraceScenario"/> takes it to do, on every
/// way through it:
/// </summary>
/// <remarks>
/// The thread marks itself before it reads the call in the text, the slot, the table or the ops, and before it calls the handler, or the
/// function of graph.c that does. After a handler, nobody returns with the mark still there. It takes away its own only, counts a quiescent state
/// after that, and in an NMI only if it has seen no other mark.
/// </remarks>
internal sealed class TrampolineCheck
{
    private static readonly string[] s_callHandlers = ["ftrace_graph_call", "ftrace_graph_call_full", "ftrace_graph_exit", "ftrace_graph_exit_full"];

    /// <summary>GRAPH_FULL of Native/graph.c.</summary>
    private const ulong Full = 1;

    private readonly TrampolineCode _code;
    private readonly bool _isGraph;
    private readonly List<(ulong Start, ulong End)> _recording = [];
    private readonly Dictionary<ulong, TrampolineFacts> _facts = [];
    private readonly Queue<ulong> _open = new();
    private readonly SortedDictionary<ulong, string> _violations = [];

    public TrampolineCheck(TrampolineCode code, IEnumerable<string> entries)
    {
        _code = code;
        _isGraph = entries.First().Contains("graph", StringComparison.Ordinal);
        foreach (string entry in entries)
        {
            if (_isGraph)
            {
                _recording.Add((code.EntryOf(entry), FindRecordingEnd(entry)));
            }

            Reach(code.EntryOf(entry), TrampolineFacts.None);
        }

        while (_open.TryDequeue(out ulong ip))
        {
            Follow(code.Decode(ip), _facts[ip]);
        }
    }

    public IEnumerable<string> Violations => _violations.Values;

    /// <summary>Where the thread marks itself outside of NMIs.</summary>
    public IEnumerable<Instruction> Marks => Every.Where(code => Stores(code, Offsets.TraceThread_Mark) && code.Op1Kind == OpKind.Register);

    /// <summary>Where it takes that mark away.</summary>
    public IEnumerable<Instruction> Clears => Every.Where(code => Stores(code, Offsets.TraceThread_Mark) && code.Op1Kind != OpKind.Register);

    /// <summary>Where it sets or clears the bit of a level.</summary>
    public IEnumerable<Instruction> Levels => Every.Where(code => Stores(code, Offsets.TraceThread_Levels));

    public IEnumerable<Instruction> HandlerCalls => Every.Where(CallsHandlers);

    /// <summary>How a thread leaves: to the caller of the function, to the function, or to a block.</summary>
    public IEnumerable<Instruction> Ends => Every.Where(code => code.FlowControl is FlowControl.Return or FlowControl.IndirectBranch);

    private IEnumerable<Instruction> Every => _facts.Keys.Order().Select(_code.Decode);

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
        foreach (ulong other in _code.JumpsFrom(code.IP))
        {
            Reach(other, after);
        }

        switch (code.FlowControl)
        {
            case FlowControl.UnconditionalBranch:
                Reach(code.NearBranchTarget, after);
                break;
            case FlowControl.ConditionalBranch:
                // graph.c has called no handler then.
                bool isFull = code.Mnemonic == Mnemonic.Je && (facts & TrampolineFacts.ComparedWithFull) != 0;
                Reach(code.NearBranchTarget, isFull ? after & ~TrampolineFacts.Owes : after);
                Reach(code.NextIP, after);
                break;
            case FlowControl.Next or FlowControl.Call or FlowControl.IndirectCall:
                Reach(code.NextIP, after);
                break;
            case FlowControl.Return or FlowControl.IndirectBranch:
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
        if (CallsHandlers(code))
        {
            Demand(code, isMarked, "calls a handler before the mark");
            return (facts | TrampolineFacts.Owes) & ~(TrampolineFacts.Compared | TrampolineFacts.ComparedWithFull);
        }

        if (code.FlowControl == FlowControl.Call)
        {
            return _code.CalledBy(code) == "ftrace_leave_mark" ? TrampolineFacts.None : facts;
        }

        if (ReadsWhatMayChange(code) && !IsRecording(code.IP))
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

        facts &= ~TrampolineFacts.ComparedWithFull;
        if (code.Mnemonic == Mnemonic.Cmp && code.Op0Register == Register.RAX && code.Op1Kind is OpKind.Immediate8to64 or OpKind.Immediate32to64 && code.GetImmediate(1) == Full && _isGraph)
        {
            return facts | TrampolineFacts.ComparedWithFull;
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

    private bool Stores(Instruction code, int offset) => code.Mnemonic == Mnemonic.Mov && code.Op0Kind == OpKind.Memory && IsOfRecord(code, offset);

    /// <summary>The thread's record is in rcx or rbp; before the mark of a short entry of graph_entry.S in rdx.</summary>
    private bool IsOfRecord(Instruction code, int offset) =>
        (code.MemoryBase is Register.RCX or Register.RBP || (code.MemoryBase == Register.RDX && _isGraph))
        && code.MemoryIndex == Register.None && code.MemoryDisplacement64 == (ulong)offset
        && (code.Op0Kind == OpKind.Memory || code.Op1Kind == OpKind.Memory);

    /// <summary>The slot or the ops; in graph_entry.S the set of ops, through rax, or the ops. The thread's words are relative to fs.</summary>
    private bool ReadsWhatMayChange(Instruction code)
    {
        bool through = _isGraph
            ? code.MemoryBase is Register.RAX or Register.RSI or Register.R11 && code.MemorySegment != Register.FS && code.MemoryDisplacement64 != Offsets.StubArea_GraphSet
            : code.MemoryBase is Register.RDX or Register.RDI;
        return through && code.Mnemonic is not (Mnemonic.Lea or Mnemonic.Nop);
    }

    /// <summary>
    /// The short entries of graph_entry.S begin with what records a call without a mark: no handler is called, and what it has read is read again
    /// after the mark if one is. It ends where the thread's record is read for the mark; the long entries have no such part.
    /// </summary>
    private ulong FindRecordingEnd(string entry)
    {
        ulong ip = _code.EntryOf(entry);
        ulong end = ip;
        for (Instruction code = _code.Decode(ip); !Stores(code, Offsets.TraceThread_Mark); code = _code.Decode(code.NextIP))
        {
            end = code.Mnemonic is Mnemonic.Xadd or Mnemonic.Rdtsc ? ulong.MaxValue : end;
            ip = code.IP;
        }

        return end == ulong.MaxValue ? ip : end;
    }

    private bool IsRecording(ulong ip) => _recording.Exists(part => ip >= part.Start && ip < part.End);

    private bool CallsHandlers(Instruction code) =>
        code.IsCallNearIndirect || (code.FlowControl == FlowControl.Call && s_callHandlers.Contains(_code.CalledBy(code)));

    private void Demand(Instruction code, bool holds, string otherwise)
    {
        if (!holds)
        {
            _violations[code.IP] = $"{code.IP:x}: {code} {otherwise}";
        }
    }
}
