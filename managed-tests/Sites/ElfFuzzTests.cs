using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>
/// Whatever stands in an ELF file, nothing is read after its end, and what is kept is bounded and given back. FTRACE_FUZZ_SECONDS
/// says for how long; FTRACE_FUZZ_SEED repeats a run.
/// </summary>
[NonParallelizable]
public sealed unsafe class ElfFuzzTests
{
    private const int HeaderSize = 64;
    private const int SectionSize = 64;

    private static readonly ulong[] s_values =
        [0, 1, 2, 8, 11, 23, 24, 25, 63, 64, 65, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1ul << 32, 1ul << 40, 1ul << 63, ulong.MaxValue - 63, ulong.MaxValue];

    private List<(string Name, byte[] Bytes)> _files = [];
    private byte* _end;
    private long _capacity;

    [OneTimeSetUp]
    public void ReadFiles()
    {
        GuardedMemory.Attach();
        string? library = Environment.GetEnvironmentVariable("FTRACE_LIBRARY");
        string?[] paths = ["/bin/true", library, Environment.GetEnvironmentVariable("FTRACE_OBJECT")];
        _files = [.. paths.Where(File.Exists).Select(path => (path!, File.ReadAllBytes(path!)))];
        _files.Add(("made", Make()));
        _capacity = _files.Max(file => file.Bytes.LongLength);
        _end = GuardedMemory.Allocate(_capacity);
    }

    /// <summary>A small file with all that is looked at: mutations are likely to hit something.</summary>
    private static byte[] Make()
    {
        byte[] names = Encoding.ASCII.GetBytes("\0.shstrtab\0.symtab\0.strtab\0__patchable_function_entries\0__mcount_loc\0.dynsym\0");
        byte[] strings = Encoding.ASCII.GetBytes("\0first\0second\0third");
        byte[] file = new byte[HeaderSize + names.Length + strings.Length + 1 + 6 * 24 + 32 + 8 * SectionSize];
        int at = HeaderSize;
        int namesAt = Put(file, ref at, names);
        int stringsAt = Put(file, ref at, strings);
        at = (at + 7) & ~7;
        int symbolsAt = at;
        for (int i = 1; i < 6; i++)
        {
            Span<byte> symbol = file.AsSpan(symbolsAt + i * 24);
            BinaryPrimitives.WriteUInt32LittleEndian(symbol, i % 2 == 0 ? 1u : 7u);
            symbol[4] = (byte)(i % 3 == 0 ? 0x02 : 0x12);
            symbol[6] = 1;
            BinaryPrimitives.WriteUInt64LittleEndian(symbol[8..], (ulong)(0x1000 + 32 * i / 2));
            BinaryPrimitives.WriteUInt64LittleEndian(symbol[16..], 16);
        }

        at += 6 * 24;
        int tableAt = (file.Length - 6 * SectionSize) & ~7;
        BinaryPrimitives.WriteUInt32LittleEndian(file, 0x464c457f);
        file[4] = 2;
        file[5] = 1;
        file[18] = 62;
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), (ulong)tableAt);
        file[58] = SectionSize;
        file[60] = 6;
        file[62] = 1;
        int NameOf(string name) => Encoding.ASCII.GetString(names).IndexOf(name + "\0", StringComparison.Ordinal);
        Section(file, tableAt + 1 * SectionSize, NameOf(".shstrtab"), 3, namesAt, names.Length, 0, 0);
        Section(file, tableAt + 2 * SectionSize, NameOf(".symtab"), 2, symbolsAt, 6 * 24, 3, 24);
        Section(file, tableAt + 3 * SectionSize, NameOf(".strtab"), 3, stringsAt, strings.Length, 0, 0);
        Section(file, tableAt + 4 * SectionSize, NameOf("__patchable_function_entries"), 1, symbolsAt, 24, 0, 8);
        Section(file, tableAt + 5 * SectionSize, NameOf(".dynsym"), 11, symbolsAt, 6 * 24, 3, 24);
        return file;
    }

    private static int Put(byte[] file, ref int at, byte[] bytes)
    {
        int start = at;
        bytes.CopyTo(file, at);
        at += bytes.Length;
        return start;
    }

    private static void Section(byte[] file, int at, int name, uint type, int offset, int size, uint link, ulong entry)
    {
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), name);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at + 4), type);
        file[at + 8] = 2;
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at + 24), (ulong)offset);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at + 32), (ulong)size);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at + 40), link);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at + 56), entry);
    }

    /// <summary>Reads all that the library would. Returns how many functions there were; -1: no such file.</summary>
    private static int ReadAll(byte* start, ulong size)
    {
        if (!ElfFile.TryOpen(new ElfSource(start, size), out ElfFile elf))
        {
            return -1;
        }

        int functions = 0;
        if (elf.TryFind("__patchable_function_entries"u8, out ElfSection section) && elf.TryRead(section, 1 << 20, out Block block))
        {
            block.Free();
        }

        elf.TryFind("__mcount_loc"u8, out _);
        foreach (uint type in (ReadOnlySpan<uint>)[ElfSection.Symtab, ElfSection.Dynsym])
        {
            if (elf.TryFind(type, out ElfSection table))
            {
                Search(elf, table);
            }

            if (SymbolTable.TryRead(elf, type, null, out SymbolTable symbols))
            {
                functions += symbols.Count;
                foreach (ulong address in (ReadOnlySpan<ulong>)[0, 0x1000, 0x1010, 0x1018, 0x2000, 0x10000, ulong.MaxValue - 8, ulong.MaxValue])
                {
                    if (symbols.TryFind(address, PatchableEntry.MaxBytes, out FunctionSymbol function))
                    {
                        _ = symbols.NameOf(function).Length;
                    }
                }

                symbols.Free();
            }
        }

        elf.Close();
        return functions;
    }

    /// <summary>Searches without a table.</summary>
    private static void Search(in ElfFile elf, in ElfSection table)
    {
        Span<byte> name = stackalloc byte[16];
        foreach (ulong address in (ReadOnlySpan<ulong>)[0, 0x1000, 0x1010, 0x1018, 0x2000, 0x10000, ulong.MaxValue - 8, ulong.MaxValue])
        {
            if (SymbolSearch.TryFind(elf, table, address, out FunctionSymbol function))
            {
                SymbolSearch.ReadName(elf, table, function.Name, name, out _);
                SymbolSearch.ReadName(elf, table, function.Name, name[..1], out _);
            }
        }
    }

    private int Run(byte[] bytes, int size, Action<Span<byte>>? change = null)
    {
        var copy = new Span<byte>(_end - size, size);
        bytes.AsSpan(0, size).CopyTo(copy);
        change?.Invoke(copy);
        GuardedMemory.MostMapped = 0;
        int functions = ReadAll(_end - size, (ulong)size);
        Assert.That(GuardedMemory.Mapped, Is.Zero, "all memory is given back");
        Assert.That(GuardedMemory.MostMapped, Is.LessThanOrEqualTo(4L * size + 65536), "memory is bounded by the file");
        return functions;
    }

    [Test]
    public void WholeFilesAreRead()
    {
        foreach ((string name, byte[] bytes) in _files)
        {
            Assert.That(Run(bytes, bytes.Length), name == "/bin/true" ? Is.GreaterThanOrEqualTo(0) : Is.GreaterThan(0), name);
        }
    }

    [Test]
    public void CutFilesAreRefusedOrRead()
    {
        byte[] made = _files[^1].Bytes;
        for (int size = 0; size < made.Length; size++)
        {
            Run(made, size);
        }

        foreach ((string _, byte[] bytes) in _files)
        {
            for (int i = 1; i < 40; i++)
            {
                Run(bytes, (int)((long)bytes.Length * i / 40));
                Run(bytes, bytes.Length - i);
            }
        }
    }

    /// <summary>Each field of the header and of each section, with each value that is likely to hurt.</summary>
    [Test]
    public void EachFieldWithEachValue()
    {
        byte[] made = _files[^1].Bytes;
        for (int at = 0; at + 8 <= made.Length; at += 2)
        {
            foreach (ulong value in s_values.Append((ulong)made.Length).Append((ulong)made.Length - 1))
            {
                for (int width = 1; width <= 8; width *= 2)
                {
                    Run(made, made.Length, copy => Write(copy[at..], value, width));
                }
            }
        }
    }

    [Test]
    public void RandomMutations()
    {
        string? given = Environment.GetEnvironmentVariable("FTRACE_FUZZ_SECONDS");
        double seconds = given != null ? double.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : 3;
        string? chosen = Environment.GetEnvironmentVariable("FTRACE_FUZZ_SEED");
        int seed = chosen != null ? int.Parse(chosen, System.Globalization.CultureInfo.InvariantCulture) : Environment.TickCount;
        var random = new Random(seed);
        // Written first: what goes wrong here may end the process.
        TestContext.Progress.WriteLine($"seed {seed}");
        var clock = Stopwatch.StartNew();
        int runs = 0;
        int read = 0;
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            byte[] bytes = _files[random.Next(8) == 0 ? random.Next(_files.Count) : _files.Count - 1].Bytes;
            int size = random.Next(4) == 0 ? random.Next(bytes.Length + 1) : bytes.Length;
            read += Run(bytes, size, copy => Mutate(random, copy)) > 0 ? 1 : 0;
            runs++;
        }

        TestContext.Out.WriteLine($"seed {seed}: {runs} files, {read} of them with functions");
        Assert.That(runs, Is.GreaterThan(100));
        Assert.That(read, Is.GreaterThan(runs / 100), "mutations leave some files whole enough");
    }

    private static void Mutate(Random random, Span<byte> copy)
    {
        if (copy.Length < HeaderSize)
        {
            random.NextBytes(copy);
            return;
        }

        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(copy[40..]);
        for (int changes = random.Next(1, 6); changes > 0; changes--)
        {
            int at = random.Next(copy.Length);
            if (random.Next(3) != 0)
            {
                // A field of a section, or of the header.
                ulong field = random.Next(6) == 0 ? (ulong)random.Next(16, HeaderSize) : table + (ulong)random.Next(8 * SectionSize);
                at = field < (ulong)copy.Length ? (int)field & ~3 : at;
            }

            ulong value = random.Next(3) switch
            {
                0 => s_values[random.Next(s_values.Length)],
                1 => (ulong)random.Next(copy.Length + 64),
                _ => (ulong)random.NextInt64(),
            };
            Write(copy[at..], value, 1 << random.Next(4));
        }
    }

    private static void Write(Span<byte> to, ulong value, int width)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..Math.Min(width, to.Length)].CopyTo(to);
    }
}
