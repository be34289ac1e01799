using System;
using Ftrace.Elf;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary>
/// Finds the function at an address of an object, and its site, without a table: the object's file is read in pieces, and nothing of it is
/// kept. Called with the loader's lock held.
/// </summary>
internal unsafe ref struct FunctionLookup
{
    private readonly LoadedObject* _target;
    private readonly LoadedObject* _known;
    private readonly ulong _ip;
    private readonly Span<byte> _buffer;

    /// <param name="target">The object: its image and path.</param>
    /// <param name="known">The same as it was read before; null: it was not.</param>
    /// <param name="ip">An address in it.</param>
    /// <param name="buffer">Memory for the name; empty: it is not wanted.</param>
    public FunctionLookup(LoadedObject* target, LoadedObject* known, ulong ip, Span<byte> buffer)
    {
        _target = target;
        _known = known;
        _ip = ip;
        _buffer = buffer;
    }

    /// <summary>Where the function begins; 0: none is known at the address.</summary>
    public ulong Start { get; private set; }

    /// <summary>Where it ends.</summary>
    public ulong End { get; private set; }

    /// <summary>It has a symbol. If the name is wanted, it is in the buffer.</summary>
    public bool IsNamed { get; private set; }

    public int NameLength { get; private set; }

    /// <summary>The address of its site; 0: it has none.</summary>
    public ulong Site { get; private set; }

    /// <returns>0; -ENAMETOOLONG, or -EAGAIN or -ENOMEM if the file could not be read for a temporary reason.</returns>
    public int Run()
    {
        int error = 0;
        int result = 0;
        int file = ObjectReader.Open(_target, out ulong size);
        if (ProcFile.IsTransient(file))
        {
            return -Errno.EAGAIN;
        }

        ElfFile elf = default;
        bool open = file >= 0 && ElfFile.TryOpen(new ElfSource(file, size, &error), out elf);
        bool isOurs = open && elf.IsOf(&_target->Image);
        if (isOurs)
        {
            result = FindInFile(elf, &error);
        }

        if (result == 0 && error == 0 && Start == 0)
        {
            result = FindInMemory();
        }

        if (result == 0 && error == 0 && Start != 0)
        {
            FindSite(elf, isOurs);
        }

        if (open)
        {
            elf.Close();
        }

        if (file >= 0)
        {
            ProcFile.Close(file);
        }

        return error != 0 ? error : result;
    }

    /// <summary>In the symbol table of the object's file, else in that of its debug file.</summary>
    private int FindInFile(in ElfFile elf, int* error)
    {
        if (elf.TryFind(ElfSection.Symtab, out ElfSection symbols))
        {
            return Find(elf, symbols);
        }

        if (!DebugFile.TryOpen(&_target->Image, error, out int file, out ElfFile debug))
        {
            return 0;
        }

        int result = debug.TryFind(ElfSection.Symtab, out symbols) ? Find(debug, symbols) : 0;
        debug.Close();
        ProcFile.Close(file);
        return result;
    }

    private int Find(in ElfFile elf, in ElfSection symbols)
    {
        if (!SymbolSearch.TryFind(elf, symbols, _ip - _target->Image.Base, out FunctionSymbol function))
        {
            return 0;
        }

        int length = 0;
        int error = _buffer.IsEmpty ? 0 : SymbolSearch.ReadName(elf, symbols, function.Name, _buffer, out length);
        if (error == -Errno.ENAMETOOLONG)
        {
            return error;
        }

        Set(function, isNamed: error == 0, length);
        return 0;
    }

    /// <summary>
    /// In the object's own memory: its dynamic symbols, else the table of the unwinder, which a stripped object has too.
    /// </summary>
    private int FindInMemory()
    {
        if (new DynamicSymbols(&_target->Image).TryFindAt(_ip, out FunctionSymbol function, out ReadOnlySpan<byte> name))
        {
            if (!_buffer.IsEmpty && name.Length >= _buffer.Length)
            {
                return -Errno.ENAMETOOLONG;
            }

            if (!_buffer.IsEmpty)
            {
                name.CopyTo(_buffer);
                _buffer[name.Length] = 0;
            }

            Set(function, isNamed: true, name.Length);
            return 0;
        }

        if (new UnwindIndex(&_target->Image).TryFindAround(&_target->Image, _ip, out ulong start, out ulong end))
        {
            Start = start;
            End = end;
        }

        return 0;
    }

    private void Set(in FunctionSymbol function, bool isNamed, int length)
    {
        ulong start = _target->Image.Base + function.Start;
        if (start > _ip)
        {
            return; // a file may say any address and any size, which go around the end of the address space
        }

        Start = start;
        End = Start + Math.Min(function.End - function.Start, ulong.MaxValue - Start); // a file may say any size
        IsNamed = isNamed;
        NameLength = length;
    }

    private void FindSite(in ElfFile elf, bool isOurs)
    {
        if (_known != null)
        {
            Site* site = _known->SiteOf(Start, End);
            Site = site != null ? site->Ip : 0;
            return;
        }

        for (EntryKind kind = EntryKind.Nops; kind <= EntryKind.Sled && isOurs && Site == 0; kind++)
        {
            if (!ObjectReader.TryFindEntries(elf, &_target->Image, kind, out ElfSection entries))
            {
                continue;
            }

            ulong address = _target->Image.Base + entries.Address;
            if (kind == EntryKind.Sled)
            {
                FindSled((XRaySled*)address, entries.Size / (ulong)sizeof(XRaySled));
            }
            else
            {
                FindSite((ulong*)address, entries.Size / sizeof(ulong), isMcount: kind == EntryKind.Mcount);
            }
        }
    }

    /// <summary>Looks for the entry of the function among the sleds of XRay.</summary>
    private void FindSled(XRaySled* sleds, ulong count)
    {
        var unwind = new UnwindIndex(&_target->Image);
        for (ulong i = 0; i < count; i++)
        {
            if (sleds[i].IsEntry && XRaySled.FunctionOf(sleds + i) == Start
                && ObjectReader.TryReadSled(&_target->Image, unwind, sleds + i, IsNamed, out Site site) && site.Ip < End)
            {
                Site = site.Ip;
                return;
            }
        }
    }

    /// <summary>Looks for the entry of the function among the addresses of a compiler's section.</summary>
    private void FindSite(ulong* addresses, ulong count, bool isMcount)
    {
        var unwind = new UnwindIndex(&_target->Image);
        for (ulong i = 0; i < count; i++)
        {
            // It may be that of nops before the function.
            ulong address = addresses[i];
            if (address >= End || address + PatchableEntry.MaxBytes < Start)
            {
                continue;
            }

            bool named = IsNamed;
            int length = ObjectReader.CodeAt(&_target->Image, address);
            if (length != 0 && ObjectReader.TryReadSite(&_target->Image, unwind, address, length, isMcount, ref named, Start, out Site site)
                && site.Function == Start)
            {
                Site = site.Ip;
                return;
            }
        }
    }
}
