using System;
using System.Buffers.Binary;
using System.IO;
using System.Text;
using NUnit.Framework;

namespace Ftrace.Tests.Elf;

/// <summary>Object files, whole and broken.</summary>
[Category("noinstr")]
public sealed class ElfObjectTests
{
    /// <summary>
    /// Section 1 .text, 2 .symtab, 3 .strtab, 4 .rela; symbol 1 is the function f; one relocation.
    /// </summary>
    private static byte[] Build()
    {
        const int Text = 64, Symbols = 80, Strings = 128, Relocations = 160, Headers = 184, Size = Headers + 5 * 64;
        byte[] file = new byte[Size];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(file);
        U16(file, 16, 1);
        U16(file, 18, 62);
        U64(file, 40, Headers);
        U16(file, 58, 64);
        U16(file, 60, 5);
        U16(file, 62, 3);

        Encoding.ASCII.GetBytes("\0.text\0.symtab\0.rela\0f\0").CopyTo(file, Strings);
        Symbol(file, Symbols + 24, name: 21, type: 2, section: 1, value: 4, size: 8);
        U64(file, Relocations, 5);
        U64(file, Relocations + 8, 1ul << 32 | ElfRelocation.Plt32);
        U64(file, Relocations + 16, unchecked((ulong)-4));

        Section(file, Headers + 64, name: 1, type: 1, flags: 6, Text, 16, link: 0, info: 0, entry: 0);
        Section(file, Headers + 128, name: 7, ElfSection.SymbolTable, flags: 0, Symbols, 48, link: 3, info: 0, entry: 24);
        Section(file, Headers + 192, name: 0, type: 3, flags: 0, Strings, 32, link: 0, info: 0, entry: 0);
        Section(file, Headers + 256, name: 15, ElfSection.RelocationsWithAddend, flags: 0, Relocations, 24, link: 2, info: 1, entry: 24);
        return file;
    }

    private static void Section(byte[] file, int at, uint name, uint type, ulong flags, ulong offset, ulong size, uint link, uint info, ulong entry)
    {
        U32(file, at, name);
        U32(file, at + 4, type);
        U64(file, at + 8, flags);
        U64(file, at + 24, offset);
        U64(file, at + 32, size);
        U32(file, at + 40, link);
        U32(file, at + 44, info);
        U64(file, at + 56, entry);
    }

    private static void Symbol(byte[] file, int at, uint name, byte type, ushort section, ulong value, ulong size)
    {
        U32(file, at, name);
        file[at + 4] = type;
        U16(file, at + 6, section);
        U64(file, at + 8, value);
        U64(file, at + 16, size);
    }

    private static void U16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void U32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);

    private static void U64(byte[] file, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);

    private static void ReadAll(byte[] file)
    {
        var elf = new ElfObject(file);
        for (int i = 0; i < elf.Sections.Count; i++)
        {
            elf.Relocations(i);
        }
    }

    [Test]
    public void SectionsSymbolsAndRelocationsAreRead()
    {
        var elf = new ElfObject(Build());

        Assert.That(elf.Sections, Has.Count.EqualTo(5));
        Assert.That(elf.Sections[1].Name, Is.EqualTo(".text"));
        Assert.That(elf.Sections[1].IsCode);
        Assert.That(elf.Content(1), Has.Length.EqualTo(16));
        Assert.That(elf.Symbols[1], Is.EqualTo(new ElfSymbol("f", ElfSymbol.Function, 1, 4, 8)));
        Assert.That(elf.Relocations(1), Is.EqualTo(new[] { new ElfRelocation(5, ElfRelocation.Plt32, elf.Symbols[1], -4) }));
        Assert.That(elf.Relocations(2), Is.Empty);
    }

    [Test]
    public void EveryTruncationIsRefused()
    {
        byte[] whole = Build();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => ReadAll(whole[..length]), $"{length} bytes");
        }
    }

    /// <summary>Some changes do no harm; none gets out of the file.</summary>
    [Test]
    public void NoChangedByteLeadsOutOfTheFile()
    {
        byte[] whole = Build();
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0x80, 0xff })
            {
                byte[] changed = [.. whole];
                changed[at] = value;
                try
                {
                    ReadAll(changed);
                }
                catch (InvalidDataException)
                {
                    // Refused, which is as good.
                }
            }
        }
    }

    [TestCase(4, 1)]
    [TestCase(5, 2)]
    [TestCase(16, 3)]
    [TestCase(18, 3)]
    [TestCase(58, 40)]
    public void OtherKindsOfFilesAreRefused(int at, byte value)
    {
        byte[] file = Build();
        file[at] = value;
        Assert.Throws<InvalidDataException>(() => ReadAll(file));
    }
}
