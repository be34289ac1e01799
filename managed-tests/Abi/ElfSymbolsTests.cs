using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using NUnit.Framework;

namespace Ftrace.Tests.Abi;

/// <summary>The reader of dynamic symbols: a library made by hand, whole and broken.</summary>
public sealed class ElfSymbolsTests
{
    private const int Symbols = 0x200;
    private const int Numbers = 0x300;
    private const int Definitions = 0x340;
    private const int Strings = 0x400;
    private const int Sections = 0x500;

    private static byte[] Library()
    {
        using var stream = new MemoryStream(new byte[Sections + 5 * 64]);
        using var writer = new BinaryWriter(stream);
        int text = 1;

        void At(int offset) => stream.Position = offset;
        uint Text(string value)
        {
            (uint at, long back) = ((uint)text, stream.Position);
            At(Strings + text);
            writer.Write(Encoding.UTF8.GetBytes(value));
            text += value.Length + 1;
            At((int)back);
            return at;
        }

        void Symbol(int index, string name, int info, int other, int place, ulong size, int number)
        {
            At(Symbols + index * 24);
            writer.Write(Text(name));
            writer.Write((byte)info);
            writer.Write((byte)other);
            writer.Write((ushort)place);
            writer.Write(0ul);
            writer.Write(size);
            At(Numbers + index * 2);
            writer.Write((ushort)number);
        }

        void Section(int index, uint type, int start, int size, int link, int info)
        {
            At(Sections + index * 64 + 4);
            writer.Write(type);
            At(Sections + index * 64 + 0x18);
            writer.Write((ulong)start);
            writer.Write((ulong)size);
            writer.Write(link);
            writer.Write(info);
        }

        void Definition(int offset, string name, int number, int next)
        {
            At(offset);
            writer.Write((ushort)1);
            writer.Write((ushort)0);
            writer.Write((ushort)number);
            writer.Write((ushort)1);
            writer.Write(0u);
            writer.Write(20);
            writer.Write(next);
            writer.Write(Text(name));
        }

        writer.Write("\u007fELF\u0002\u0001\u0001"u8);
        At(0x28);
        writer.Write((ulong)Sections);
        At(0x3a);
        writer.Write((ushort)64);
        writer.Write((ushort)5);
        Symbol(1, "function", 0x12, 0, 7, 11, 2);
        Symbol(2, "weak", 0x22, 3, 7, 12, 2 | 0x8000);
        Symbol(3, "word", 0x11, 0, 9, 13, 1);
        Symbol(4, "own", 0x16, 0, 9, 14, 2);
        Symbol(5, "local", 0x02, 0, 7, 15, 0);
        Symbol(6, "hidden", 0x12, 2, 7, 16, 2);
        Symbol(7, "malloc", 0x12, 0, 0, 0, 3);
        Symbol(8, "NODE_1", 0x11, 0, 0xfff1, 0, 2);
        Definition(Definitions, "library.so", 1, 28);
        Definition(Definitions + 28, "NODE_1", 2, 0);
        Section(1, 11, Symbols, 9 * 24, 4, 1);
        Section(2, 0x6fff_ffff, Numbers, 18, 1, 0);
        Section(3, 0x6fff_fffd, Definitions, 56, 4, 2);
        Section(4, 3, Strings, text, 0, 0);
        return stream.ToArray();
    }

    private static readonly ElfSymbol[] s_expected =
    [
        new("function", "NODE_1", SymbolKind.Function, 11),
        new("weak", "NODE_1", SymbolKind.Function, 12),
        new("word", "", SymbolKind.Object, 13),
        new("own", "NODE_1", SymbolKind.ThreadLocal, 14),
    ];

    [Test]
    public void DefinedGlobalVisibleSymbolsAreExported() => Assert.That(ElfSymbols.Exported(Library()), Is.EqualTo(s_expected));

    [Test]
    public void EveryTruncationIsRefused()
    {
        byte[] whole = Library();

        // The last 16 bytes, an alignment and an entry size, are not read.
        for (int length = 0; length < whole.Length - 64; length++)
        {
            byte[] part = whole[..length];
            Assert.That(() => ElfSymbols.Exported(part), Throws.InstanceOf<InvalidDataException>(), $"{length} bytes");
        }
    }

    [Test]
    public void AnyTwoWrongBytesAreHarmless()
    {
        byte[] whole = Library();
        const int Seed = 1;
        var random = new Random(Seed);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] broken = [.. whole];
            for (int i = 0; i < 2; i++)
            {
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            }

            try
            {
                List<ElfSymbol> symbols = ElfSymbols.Exported(broken);
                Assert.That(symbols, Has.Count.LessThan(broken.Length));
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Test]
    public void OtherFilesAreRefused() =>
        Assert.That(() => ElfSymbols.Exported(Encoding.ASCII.GetBytes(new string('x', 1000))), Throws.InstanceOf<InvalidDataException>());
}
