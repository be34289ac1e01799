using System.Collections.Generic;
using System.IO;
using System.Linq;
using Ftrace.Tests.Elf;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>The functions of an object file, and their instructions.</summary>
internal sealed class CodeObject
{
    private readonly Dictionary<int, byte[]> _content = [];
    private readonly Dictionary<int, List<ElfRelocation>> _relocations = [];
    private readonly Dictionary<int, List<Function>> _functions = [];
    private readonly Dictionary<string, Function> _byName = [];

    public CodeObject(ElfObject elf)
    {
        for (int i = 0; i < elf.Sections.Count; i++)
        {
            if (elf.Sections[i].IsCode)
            {
                _content[i] = elf.Content(i);
                _relocations[i] = elf.Relocations(i);
                _functions[i] = [];
            }
        }

        var symbols = elf.Symbols.Where(symbol => symbol.Type == ElfSymbol.Function && symbol.Size != 0 && _content.ContainsKey(symbol.Section));
        foreach (IGrouping<(int Section, ulong Value), ElfSymbol> same in symbols.GroupBy(symbol => (symbol.Section, symbol.Value)))
        {
            (int section, ulong start) = same.Key;
            ulong size = same.Max(symbol => symbol.Size);
            ulong content = (ulong)_content[section].Length;
            if (start > content || size > content - start)
            {
                throw new InvalidDataException($"{same.First().Name} is outside of its section");
            }

            var function = new Function(section, start, start + size, [.. same.Select(symbol => symbol.Name)]);
            _functions[section].Add(function);
            foreach (string name in function.Names)
            {
                _byName[name] = function;
            }
        }

        foreach (List<Function> functions in _functions.Values)
        {
            functions.Sort((left, right) => left.Start.CompareTo(right.Start));
        }
    }

    public static CodeObject Read(string path) => new(new ElfObject(File.ReadAllBytes(path)));

    public IEnumerable<Function> Functions => _functions.Values.SelectMany(functions => functions);

    public Function? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A function's code, from its first byte to its last. Data between instructions would show as bad code.</summary>
    public IEnumerable<CodeInstruction> Instructions(Function function)
    {
        byte[] content = _content[function.Section];
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(content, (int)function.Start, (int)(function.End - function.Start)));
        decoder.IP = function.Start;
        while (decoder.IP < function.End)
        {
            decoder.Decode(out Instruction instruction);
            yield return new CodeInstruction(instruction, References(function.Section, instruction));
        }
    }

    private List<Reference> References(int section, Instruction instruction)
    {
        var references = new List<Reference>();
        List<ElfRelocation> relocations = _relocations[section];
        for (int i = FirstAtOrAfter(relocations, instruction.IP); i < relocations.Count && relocations[i].Offset < instruction.NextIP; i++)
        {
            references.Add(Resolve(relocations[i], instruction.NextIP));
        }

        // Inside of a section the compiler knows the distances, and leaves no relocation.
        if (references.Count == 0 && instruction.IsIPRelativeMemoryOperand)
        {
            references.Add(Resolve(section, instruction.IPRelativeMemoryAddress));
        }
        else if (references.Count == 0 && instruction.Op0Kind == OpKind.NearBranch64)
        {
            references.Add(Resolve(section, instruction.NearBranchTarget));
        }

        return references;
    }

    private Reference Resolve(ElfRelocation relocation, ulong next)
    {
        ElfSymbol symbol = relocation.Symbol;
        long offset = relocation.IsPcRelative ? relocation.Addend + (long)(next - relocation.Offset) : relocation.Addend;
        ulong address = symbol.Value + (ulong)offset;
        Function? function = _functions.ContainsKey(symbol.Section) ? At(symbol.Section, address) : null;
        string name = symbol.Name.Length != 0 ? symbol.Name : function?.Name ?? $"section {symbol.Section}";
        return new Reference(name, offset, function, address, relocation.IsThreadLocal) { IsAddress = relocation.IsAddress };
    }

    private Reference Resolve(int section, ulong address)
    {
        Function? function = At(section, address);
        return function == null
            ? new Reference($"section {section}", (long)address, null, address, false)
            : new Reference(function.Name, (long)(address - function.Start), function, address, false);
    }

    private Function? At(int section, ulong address)
    {
        List<Function> functions = _functions[section];
        int low = 0;
        int high = functions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (functions[middle].End <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < functions.Count && functions[low].Contains(address) ? functions[low] : null;
    }

    private static int FirstAtOrAfter(List<ElfRelocation> relocations, ulong offset)
    {
        int low = 0;
        int high = relocations.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (relocations[middle].Offset < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
