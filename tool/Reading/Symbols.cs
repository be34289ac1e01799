using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Ftrace.Tool.Reading;

/// <summary>
/// The functions of a trace. Each that is asked for gets a small number, so that others can keep what they know of it in an array.
/// </summary>
/// <remarks>
/// An address belongs to the object that had it at a time. The trace has the symbols of functions that can be traced; those of others, in
/// which samples are, come from the object's file, if it is the same. Names are read when they are asked for. They have no control
/// characters: a trace can be of somebody else, and names are written to terminals.
/// </remarks>
internal sealed class Symbols
{
    private const int CacheBits = 14;
    private const int MaxName = 64 * 1024;

    /// <summary>Functions without a symbol, of which a damaged trace can have any number; the rest of them are one for each object.</summary>
    private const int MaxUnnamed = 100_000;

    private readonly TraceFile _file;
    private readonly List<Function> _functions = [];
    private readonly CacheEntry[] _cache = new CacheEntry[1 << CacheBits];
    private readonly Dictionary<(int Object, int Symbol), int> _bySymbol = [];
    private readonly Dictionary<(int Object, ulong Address), int> _byAddress = [];
    private readonly Dictionary<(int Object, ulong Start), int> _byFile = [];
    private readonly Dictionary<int, FileSymbols?> _files = [];
    private readonly TraceObject[] _byStart;

    internal Symbols(TraceFile file)
    {
        _file = file;
        _byStart = [.. file.Objects];
        Array.Sort(_byStart, (a, b) => a.Start.CompareTo(b.Start));
    }

    /// <summary>How many functions have a number: all are below it.</summary>
    public int Count => _functions.Count;

    /// <summary>The function at an address at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FunctionAt(ulong address, ulong time)
    {
        ref CacheEntry entry = ref _cache[(address >> 4) * 0x9E3779B97F4A7C15 >> (64 - CacheBits)];
        return entry.Address == address && time >= entry.From && time < entry.To ? entry.Function : Find(address, time, ref entry);
    }

    /// <summary>Tells the processor that <see cref="FunctionAt"/> will be asked for this address soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Prefetch(ulong address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _cache[(address >> 4) * 0x9E3779B97F4A7C15 >> (64 - CacheBits)]));
        }
    }

    /// <summary>The name as in the source, UTF-8.</summary>
    public ReadOnlySpan<byte> Name(int function)
    {
        ref Function f = ref CollectionsMarshal.AsSpan(_functions)[function];
        return f.Name ??= Clean(NameDemangler.Demangle(f.RawName ??= ReadName(f)));
    }

    /// <summary>The name of the symbol, UTF-8.</summary>
    public ReadOnlySpan<byte> RawName(int function)
    {
        ref Function f = ref CollectionsMarshal.AsSpan(_functions)[function];
        return Clean(f.RawName ??= ReadName(f));
    }

    public string NameText(int function) => Encoding.UTF8.GetString(Name(function));

    /// <summary>The object of a function. Null: not known.</summary>
    public TraceObject? ObjectOf(int function) => _functions[function].Object < 0 ? null : _file.Objects[_functions[function].Object];

    /// <summary>The address of the function's symbol; its own address, if it has none.</summary>
    public ulong AddressOf(int function) => _functions[function].Address;

    /// <summary>The size of the function; 0: not known.</summary>
    public uint SizeOf(int function) => _functions[function].Size;

    /// <summary>False: no symbol is known; the name is made of the address.</summary>
    public bool HasSymbol(int function) => _functions[function].NameLength >= 0;

    /// <summary>The object that had an address at a time. Null: not known.</summary>
    public TraceObject? ObjectAt(ulong address, ulong time)
    {
        // The last one that begins at the address or before; objects that were closed can overlap others.
        int low = 0;
        int high = _byStart.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_byStart[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        for (int i = low - 1; i >= 0; i--)
        {
            if (_byStart[i].Contains(address, time))
            {
                return _byStart[i];
            }
        }

        return null;
    }

    private int Find(ulong address, ulong time, ref CacheEntry entry)
    {
        TraceObject? target = ObjectAt(address, time);
        int function = target != null ? FindIn(target, address) : Unnamed(-1, address);
        entry = new CacheEntry
        {
            Address = address,
            From = target != null ? target.OpenTime : time,
            To = target != null ? target.CloseTime : time + 1,
            Function = function,
        };
        return function;
    }

    private int FindIn(TraceObject target, ulong address)
    {
        int index = target.Symbols.BinarySearch(new SymbolEntry(address, 0, 0, 0));
        if (index >= 0)
        {
            return Traced(target, index);
        }

        index = ~index - 1;
        uint size = index < 0 ? 0 : target.Symbols[index].Size;
        if (size != 0 && address - target.Symbols[index].Address < size)
        {
            return Traced(target, index);
        }

        FileSymbols? file = FileOf(target);
        if (file != null && file.TryFind(address - target.LoadAddress, out FileFunction found))
        {
            return OfFile(target, file, found);
        }

        // The size of the symbol before is not known: this may be a part of it, or of a function without a symbol.
        bool isPart = index >= 0 && size == 0 && file is not { IsComplete: true };
        return isPart ? Traced(target, index) : Unnamed(target.Index, address);
    }

    private int Traced(TraceObject target, int index)
    {
        SymbolEntry symbol = target.Symbols[index];
        ref int function = ref CollectionsMarshal.GetValueRefOrAddDefault(_bySymbol, (target.Index, index), out bool exists);
        if (!exists)
        {
            function = _functions.Count;
            _functions.Add(new Function
            {
                Object = target.Index,
                Address = symbol.Address,
                Size = symbol.Size,
                NameOffset = symbol.NameOffset,
                NameLength = symbol.NameLength,
            });
        }

        return function;
    }

    private FileSymbols? FileOf(TraceObject target)
    {
        ref FileSymbols? file = ref CollectionsMarshal.GetValueRefOrAddDefault(_files, target.Index, out bool exists);
        if (!exists)
        {
            file = FileSymbols.Read(target);
        }

        return file;
    }

    /// <summary>A function of the object's file: if it can be traced, it is known by the symbol in the trace, which has its nop's address.</summary>
    private int OfFile(TraceObject target, FileSymbols file, in FileFunction found)
    {
        ulong start = found.Start + target.LoadAddress;
        int index = target.Symbols.BinarySearch(new SymbolEntry(start, 0, 0, 0));
        index = index < 0 ? ~index : index;
        if (index < target.Symbols.Count && target.Symbols[index].Address - start < found.End - found.Start)
        {
            return Traced(target, index);
        }

        ref int function = ref CollectionsMarshal.GetValueRefOrAddDefault(_byFile, (target.Index, start), out bool exists);
        if (!exists)
        {
            function = _functions.Count;
            byte[] name = file.NameOf(found);
            _functions.Add(new Function
            {
                Object = target.Index,
                Address = start,
                Size = (uint)Math.Min(found.End - found.Start, uint.MaxValue),
                NameLength = name.Length,
                RawName = name,
            });
        }

        return function;
    }

    private int Unnamed(int target, ulong address)
    {
        if (_byAddress.Count >= MaxUnnamed)
        {
            address = 0;
        }

        ref int function = ref CollectionsMarshal.GetValueRefOrAddDefault(_byAddress, (target, address), out bool exists);
        if (!exists)
        {
            function = _functions.Count;
            _functions.Add(new Function { Object = target, Address = address, NameLength = -1 });
        }

        return function;
    }

    private byte[] ReadName(in Function function)
    {
        if (function.NameLength > 0)
        {
            byte[] name = new byte[Math.Min(function.NameLength, MaxName)];
            int length = _file.Read(function.NameOffset, name);
            return length == name.Length ? name : name[..length];
        }

        TraceObject? target = function.Object < 0 ? null : _file.Objects[function.Object];
        string text = target != null
            ? string.Create(CultureInfo.InvariantCulture, $"{target.Name}+0x{function.Address - target.LoadAddress:x}")
            : string.Create(CultureInfo.InvariantCulture, $"0x{function.Address:x}");
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>Replaces what a terminal would obey.</summary>
    private static byte[] Clean(byte[] name)
    {
        bool isClean = true;
        foreach (byte b in name)
        {
            isClean &= b is >= 0x20 and < 0x7f;
        }

        return isClean ? name : Encoding.UTF8.GetBytes(CleanText.Of(Encoding.UTF8.GetString(name)));
    }

    private struct Function
    {
        public int Object;
        public int NameLength;
        public uint Size;
        public ulong Address;
        public long NameOffset;
        public byte[]? RawName;
        public byte[]? Name;
    }

    private struct CacheEntry
    {
        public ulong Address;
        public ulong From;
        public ulong To;
        public int Function;
    }
}
