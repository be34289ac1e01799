using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Ftrace.Elf;
using Ftrace.Linux;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>The search for one function without a table.</summary>
[NonParallelizable]
public sealed unsafe class SymbolSearchTests
{
    private const int SectionSize = 64;
    private const int SymbolSize = 24;
    private const byte LocalFunction = 0x02;
    private const byte GlobalFunction = 0x12;
    private const byte GlobalObject = 0x11;

    private static readonly byte[] s_strings = Encoding.ASCII.GetBytes("\0one\0two\0three\0four");

    [SetUp]
    public void Attach() => GuardedMemory.Attach();

    [TearDown]
    public void Detach() => SystemCalls.Detach();

    private static uint NameOf(string name) => (uint)Encoding.ASCII.GetString(s_strings).IndexOf("\0" + name, StringComparison.Ordinal) + 1;

    /// <summary>A file with these symbols, and the strings after them, which end with the file.</summary>
    private static byte* Make(List<(string Name, byte Info, ulong Start, ulong Size)> symbols, out int size)
    {
        int names = 64;
        int table = names + 8;
        int sections = table + SymbolSize * symbols.Count;
        int strings = sections + 4 * SectionSize;
        size = strings + s_strings.Length;
        byte* file = GuardedMemory.Allocate(size) - size;
        new Span<byte>(file, size).Clear();
        *(uint*)file = 0x464c457f;
        file[4] = 2;
        file[5] = 1;
        *(ushort*)(file + 18) = 62;
        *(ulong*)(file + 40) = (ulong)sections;
        *(ushort*)(file + 58) = SectionSize;
        *(ushort*)(file + 60) = 4;
        *(ushort*)(file + 62) = 1;
        for (int i = 0; i < symbols.Count; i++)
        {
            byte* symbol = file + table + SymbolSize * i;
            *(uint*)symbol = NameOf(symbols[i].Name);
            symbol[4] = symbols[i].Info;
            *(ushort*)(symbol + 6) = 1;
            *(ulong*)(symbol + 8) = symbols[i].Start;
            *(ulong*)(symbol + 16) = symbols[i].Size;
        }

        s_strings.CopyTo(new Span<byte>(file + strings, s_strings.Length));
        Section(file + sections + SectionSize, 3, names, 8, 0, 0);
        Section(file + sections + 2 * SectionSize, ElfSection.Symtab, table, SymbolSize * symbols.Count, 3, SymbolSize);
        Section(file + sections + 3 * SectionSize, 3, strings, s_strings.Length, 0, 0);
        return file;
    }

    private static void Section(byte* at, uint type, int offset, int size, uint link, ulong entry)
    {
        *(uint*)(at + 4) = type;
        *(ulong*)(at + 24) = (ulong)offset;
        *(ulong*)(at + 32) = (ulong)size;
        *(uint*)(at + 40) = link;
        *(ulong*)(at + 56) = entry;
    }

    /// <summary>The name of the function at an address; null: there is none.</summary>
    private static string? Find(List<(string Name, byte Info, ulong Start, ulong Size)> symbols, ulong address)
    {
        byte* start = Make(symbols, out int size);
        Assert.That(ElfFile.TryOpen(new ElfSource(start, (ulong)size), out ElfFile file));
        Assert.That(file.TryFind(ElfSection.Symtab, out ElfSection table));
        string? name = null;
        Span<byte> buffer = stackalloc byte[16];
        if (SymbolSearch.TryFind(file, table, address, out FunctionSymbol function))
        {
            Assert.That(function.Start <= address && address < function.End);
            Assert.That(SymbolSearch.ReadName(file, table, function.Name, buffer, out int length), Is.Zero);
            Assert.That(buffer[length], Is.Zero);
            name = Encoding.ASCII.GetString(buffer[..length]);
        }

        file.Close();
        return name;
    }

    [TestCase(0xffful, null)]
    [TestCase(0x1000ul, "one")]
    [TestCase(0x100ful, "one")]
    [TestCase(0x1010ul, null, Description = "between two")]
    [TestCase(0x1020ul, "two", Description = "the global one of two")]
    [TestCase(0x102ful, "two")]
    [TestCase(0x1040ul, "three", Description = "one around another")]
    [TestCase(0x1048ul, "four", Description = "the inner one begins last")]
    [TestCase(0x1050ul, "three", Description = "behind the inner one")]
    [TestCase(0x1060ul, null, Description = "no function")]
    [TestCase(ulong.MaxValue, null)]
    public void FunctionAroundAnAddressIsFound(ulong address, string? expected)
    {
        List<(string, byte, ulong, ulong)> symbols =
        [
            ("one", GlobalFunction, 0x1000, 0x10),
            ("four", LocalFunction, 0x1020, 0x10),
            ("two", GlobalFunction, 0x1020, 0x10),
            ("three", LocalFunction, 0x1020, 0x10),
            ("four", LocalFunction, 0x1048, 8),
            ("three", LocalFunction, 0x1040, 0x18),
            ("one", GlobalObject, 0x1060, 0x10),
        ];
        Assert.That(Find(symbols, address), Is.EqualTo(expected));
        symbols.Reverse();
        Assert.That(Find(symbols, address), Is.EqualTo(expected), "in another order");
    }

    [Test]
    public void FunctionWithoutSizeHasOneByte()
    {
        List<(string, byte, ulong, ulong)> symbols = [("one", GlobalFunction, 0x1000, 0), ("two", GlobalFunction, ulong.MaxValue, ulong.MaxValue)];
        Assert.That(Find(symbols, 0x1000), Is.EqualTo("one"));
        Assert.That(Find(symbols, 0x1001), Is.Null);
    }

    /// <summary>The table is read in pieces: functions on both sides of each border.</summary>
    [Test]
    public void EverySymbolOfALongTableIsLookedAt()
    {
        List<(string, byte, ulong, ulong)> symbols = [];
        for (int i = 0; i < 1500; i++)
        {
            symbols.Add((i % 2 == 0 ? "one" : "two", GlobalFunction, (ulong)(0x1000 + 16 * i), 16));
        }

        foreach (int i in (int[])[0, 1, 338, 339, 340, 341, 679, 680, 681, 1019, 1020, 1021, 1498, 1499])
        {
            Assert.That(Find(symbols, (ulong)(0x1000 + 16 * i + 7)), Is.EqualTo(i % 2 == 0 ? "one" : "two"), $"number {i}");
        }
    }

    [Test]
    public void NameThatDoesNotFitIsAnError()
    {
        byte* start = Make([("three", GlobalFunction, 0x1000, 1)], out int size);
        Assert.That(ElfFile.TryOpen(new ElfSource(start, (ulong)size), out ElfFile file));
        Assert.That(file.TryFind(ElfSection.Symtab, out ElfSection table));
        Span<byte> buffer = stackalloc byte[64];
        for (int length = 0; length < 64; length++)
        {
            buffer.Fill(0x5a);
            int error = SymbolSearch.ReadName(file, table, NameOf("three"), buffer[..length], out int found);
            Assert.That(error, Is.EqualTo(length > 5 ? 0 : -Errno.ENAMETOOLONG), $"{length} bytes");
            Assert.That(buffer[length..].IndexOfAnyExcept((byte)0x5a), Is.EqualTo(-1), "more was written");
            Assert.That(length <= 5 || found == 5);
        }

        // The last one of the table has no 0, and one is outside of it.
        Assert.That(SymbolSearch.ReadName(file, table, NameOf("four"), buffer, out int last), Is.Zero);
        Assert.That(Encoding.ASCII.GetString(buffer[..last]), Is.EqualTo("four"));
        Assert.That(buffer[last], Is.Zero);
        Assert.That(SymbolSearch.ReadName(file, table, NameOf("four"), buffer[..4], out _), Is.EqualTo(-Errno.ENAMETOOLONG));
        Assert.That(SymbolSearch.ReadName(file, table, NameOf("four"), buffer[..5], out _), Is.Zero);
        Assert.That(SymbolSearch.ReadName(file, table, (uint)s_strings.Length, buffer, out _), Is.EqualTo(-Errno.ENOENT));
        Assert.That(SymbolSearch.ReadName(file, table, 0, buffer, out _), Is.EqualTo(-Errno.ENOENT), "an empty name");
        file.Close();
    }

    /// <summary>On the library itself: the same as the table, for each function at its first and its last byte.</summary>
    [Test]
    public void TheSameAsTheTable()
    {
        string? path = Environment.GetEnvironmentVariable("FTRACE_LIBRARY");
        if (!File.Exists(path))
        {
            Assert.Ignore("no library: run ./build.sh test, or set FTRACE_LIBRARY");
        }

        byte[] bytes = File.ReadAllBytes(path!);
        fixed (byte* start = bytes)
        {
            Assert.That(ElfFile.TryOpen(new ElfSource(start, (ulong)bytes.Length), out ElfFile file));
            Assert.That(file.TryFind(ElfSection.Dynsym, out ElfSection table));
            Assert.That(SymbolTable.TryRead(file, ElfSection.Dynsym, null, out SymbolTable symbols));
            Span<byte> buffer = stackalloc byte[256];
            int checkedFunctions = 0;
            for (ulong address = 0; symbols.TryFind(address, ulong.MaxValue, out FunctionSymbol expected) && expected.Start >= address; address = expected.End)
            {
                foreach (ulong at in (ulong[])[expected.Start, expected.End - 1])
                {
                    Assert.That(SymbolSearch.TryFind(file, table, at, out FunctionSymbol found));
                    Assert.That((found.Start, found.End, found.Name), Is.EqualTo((expected.Start, expected.End, expected.Name)));
                    Assert.That(SymbolSearch.ReadName(file, table, found.Name, buffer, out int length), Is.Zero);
                    Assert.That(buffer[..length].SequenceEqual(symbols.NameOf(expected)));
                }

                checkedFunctions++;
            }

            Assert.That(checkedFunctions, Is.GreaterThan(20));
            symbols.Free();
            file.Close();
        }
    }
}
