using System;
using System.Collections.Generic;
using Ftrace.Elf;
using Ftrace.Objects;
using Ftrace.X86;

namespace Ftrace.Tool.Recording;

/// <summary>The functions of an object, and what of them can be traced.</summary>
internal sealed unsafe class ObjectFunctions
{
    private const int CodeBytes = PatchableEntry.MaxBytes;

    private readonly List<ListedFunction> _functions = [];

    /// <param name="mapped">The object.</param>
    public ObjectFunctions(MappedObject mapped)
    {
        Path = mapped.Path;
        LoadedObject* target = mapped.Object;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            Traceable++;
            Unnamed += site->NameLength == 0 ? 1 : 0;
            _functions.Add(new ListedFunction(site->Function - target->Image.Base, 0, new ReadOnlySpan<byte>(site->Name, site->NameLength).ToArray(), StateOf(site->Kind)));
        }

        NotListed = UnlistedFunctions.Count(target);
        LacksMcount = Traceable == 0 && new DynamicSymbols(&target->Image).Imports("__fentry__"u8);
        if (mapped.TryReadSymbols(out SymbolTable symbols, out bool isStripped))
        {
            AddOthers(target, symbols);
            symbols.Free();
        }

        IsStripped = isStripped;
        _functions.Sort((a, b) => a.Address.CompareTo(b.Address));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>By address. Those that cannot be traced only if they have symbols.</summary>
    public IReadOnlyList<ListedFunction> Functions => _functions;

    /// <summary>How many can be traced.</summary>
    public int Traceable { get; }

    /// <summary>Of these, how many have no name.</summary>
    public int Unnamed { get; }

    /// <summary>Functions without room that have symbols.</summary>
    public int NoRoom { get; private set; }

    /// <summary>Likewise those with too few nops.</summary>
    public int TooFewNops { get; private set; }

    /// <summary>Functions that have room and are not in the list.</summary>
    public int NotListed { get; }

    /// <summary>Compiled with -pg -mfentry, and there is no list of the calls.</summary>
    public bool LacksMcount { get; }

    /// <summary>It was compiled for tracing, at least in part.</summary>
    public bool IsForTracing => Traceable != 0 || NotListed != 0 || LacksMcount;

    /// <summary>The file has dynamic symbols only.</summary>
    public bool IsStripped { get; }

    private static Traceability StateOf(EntryKind kind) => kind switch
    {
        EntryKind.Mcount => Traceability.Mcount,
        EntryKind.Sled => Traceability.Sled,
        _ => Traceability.Nops,
    };

    private void AddOthers(LoadedObject* target, in SymbolTable symbols)
    {
        ulong last = ulong.MaxValue;
        foreach (ref readonly FunctionSymbol symbol in symbols.All)
        {
            ulong start = target->Image.Base + symbol.Start;
            if (symbol.Start == last || target->SiteOf(start, start + CodeBytes) != null)
            {
                continue; // another name, or one of those above
            }

            last = symbol.Start;
            Traceability state = Classify(&target->Image, start);
            NoRoom += state == Traceability.NoRoom ? 1 : 0;
            TooFewNops += state == Traceability.TooFewNops ? 1 : 0;
            _functions.Add(new ListedFunction(symbol.Start, symbol.End - symbol.Start, symbols.NameOf(symbol).ToArray(), state));
        }
    }

    private static Traceability Classify(ElfImage* image, ulong start)
    {
        var code = new ReadOnlySpan<byte>((void*)start, ObjectReader.CodeAt(image, start));
        if (code.Length >= PatchableEntry.RoomBytes && PatchableEntry.IsRoom(code))
        {
            return Traceability.NotListed;
        }

        ReadOnlySpan<byte> here = PatchableEntry.IsEndbr64(code) ? code[X86Instruction.EndbrSize..] : code;
        int nop = here.IsEmpty ? 0 : X86Instruction.NopLength(here);
        return nop is > 0 and < X86Instruction.CallSize ? Traceability.TooFewNops : Traceability.NoRoom;
    }
}
