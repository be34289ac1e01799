using System;
using System.Collections.Generic;
using System.Linq;
using Ftrace.Tests.Elf;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>The machine code of Native/trace_entry.S, with the jumps that the library may write into it.</summary>
internal sealed class TrampolineCode
{
    private readonly ElfObject _elf;
    private readonly byte[] _code;
    private readonly Dictionary<ulong, string> _symbols = [];
    private readonly Dictionary<ulong, ulong[]> _calls = [];

    /// <param name="elf">The object.</param>
    /// <param name="change">Plants a fault.</param>
    public TrampolineCode(ElfObject elf, Action<byte[]>? change = null)
    {
        _elf = elf;
        int section = elf.Symbols.First(symbol => symbol.Name == "ftrace_caller").Section;
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
    }

    public ulong EntryOf(string name) => _elf.Symbols.First(symbol => symbol.Name == name).Value;

    public Instruction Decode(ulong ip)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(_code, (int)ip, _code.Length - (int)ip));
        decoder.IP = ip;
        return decoder.Decode();
    }

    /// <summary>Where a jump may lead that the library may write in place of the nop there.</summary>
    public ulong[] JumpsFrom(ulong ip) => _calls.GetValueOrDefault(ip, []);

    /// <summary>The name of the function of another file that is called; empty for one of this file.</summary>
    public string CalledBy(Instruction code) => _symbols.GetValueOrDefault(code.NextIP - sizeof(int), "");
}
