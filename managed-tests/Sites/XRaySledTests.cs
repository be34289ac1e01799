using System;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Objects;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>Entries of XRay's table, right and wrong. The text, and the table after it, end where an unreadable page begins.</summary>
[NonParallelizable]
public sealed unsafe class XRaySledTests
{
    private const int TextSize = 64;
    private const int Function = 8; // in the text
    private const string Sled = "eb09660f1f840000020000";

    private ProgramHeader* _headers;
    private byte* _text;
    private XRaySled* _entry;

    [OneTimeSetUp]
    public void Allocate()
    {
        _headers = (ProgramHeader*)NativeMemory.AllocZeroed(2, (nuint)sizeof(ProgramHeader));
        _text = GuardedMemory.Allocate(TextSize) - TextSize;
        _entry = (XRaySled*)(GuardedMemory.Allocate(sizeof(XRaySled)) - sizeof(XRaySled));
        _headers[0] = new ProgramHeader
        {
            Type = ProgramHeader.Load, Flags = ProgramHeader.Code, Address = (ulong)_text, FileSize = TextSize, MemorySize = TextSize,
        };
        _headers[1] = new ProgramHeader
        {
            Type = ProgramHeader.Load, Flags = ProgramHeader.Readable, Address = (ulong)_entry, FileSize = 32, MemorySize = 32,
        };
    }

    /// <summary>A function at its place in the text, and an entry; both addresses are relative to the text.</summary>
    private void Make(string code, long address, long function, byte kind = 0, byte version = 2)
    {
        new Span<byte>(_text, TextSize).Fill(0xcc);
        Convert.FromHexString(code).CopyTo(new Span<byte>(_text + Function, TextSize - Function));
        Describe((ulong)(_text + address), (ulong)(_text + function), kind, version);
    }

    private void Describe(ulong address, ulong function, byte kind, byte version)
    {
        var fields = (ulong*)_entry;
        new Span<byte>(_entry, sizeof(XRaySled)).Clear();
        fields[0] = address - (ulong)fields;
        fields[1] = function - (ulong)(fields + 1);
        ((byte*)_entry)[16] = kind;
        ((byte*)_entry)[18] = version;
    }

    private bool TryRead(bool named, out Site site)
    {
        var image = new ElfImage { Headers = _headers, HeaderCount = 2 };
        site = default;
        return _entry->IsEntry && ObjectReader.TryReadSled(&image, new UnwindIndex(&image), _entry, named, out site);
    }

    // What, code of the function, where its sled is, and the site's size; 5: of another tool.
    [TestCase("a sled", Sled + "c3", 0, 11)]
    [TestCase("after endbr64", "f30f1efa" + Sled, 4, 11)]
    [TestCase("at an even address", "90" + Sled, 1, 11)]
    [TestCase("after endbr64, at an even address", "f30f1efa90" + Sled, 5, 11)]
    [TestCase("that XRay has turned off", "eb0901000000e800000000", 0, 11)]
    [TestCase("that a copy of this library has changed", "6666666690660f1f440000", 0, 5)]
    [TestCase("with a breakpoint before it", "cc0f1efa" + Sled, 4, 11)]
    public void Right(string what, string code, int offset, int size)
    {
        foreach (byte kind in new byte[] { 0, 3 })
        {
            Make(code, Function + offset, Function, kind);
            Assert.That(TryRead(named: true, out Site site), what);
            Assert.That((site.Ip, site.Function, site.Size), Is.EqualTo(((ulong)(_text + Function + offset), (ulong)(_text + Function), (byte)size)), what);
            Assert.That((site.Kind, site.Foreign), Is.EqualTo((EntryKind.Sled, ForeignState.None)), what);
            Assert.That(TryRead(named: false, out _), Is.False, "no symbol, and no unwind information");
        }
    }

    [TestCase("XRay's call", "41ba01000000e800000000")]
    [TestCase("a breakpoint", "cc09660f1f840000020000")]
    [TestCase("a call", "e800000000660f1f440000")]
    public void OfAnotherTool(string what, string code)
    {
        Make(code, Function, Function);
        Assert.That(TryRead(named: true, out Site site), what);
        Assert.That((site.Size, site.Foreign), Is.EqualTo(((byte)5, ForeignState.Found | ForeignState.Unmeasured)), what);
    }

    // What, where the entry says that sled and function are, kind, version.
    [TestCase("an exit", Function, Function, 1, 2)]
    [TestCase("a tail call", Function, Function, 2, 2)]
    [TestCase("an event", Function, Function, 4, 2)]
    [TestCase("a typed event", Function, Function, 5, 2)]
    [TestCase("no kind", Function, Function, 255, 2)]
    [TestCase("version 0", Function, Function, 0, 0)]
    [TestCase("version 1", Function, Function, 0, 1)]
    [TestCase("version 3", Function, Function, 0, 3)]
    [TestCase("the function after the sled", Function, Function + 1, 0, 2)]
    [TestCase("the function too far before the sled", Function, Function - 6, 0, 2)]
    [TestCase("before the text", -1, -1, 0, 2)]
    [TestCase("the function before the text", 0, -1, 0, 2)]
    [TestCase("after the text", TextSize, TextSize, 0, 2)]
    [TestCase("at the end of the text", TextSize - 4, TextSize - 4, 0, 2)]
    [TestCase("far away", long.MaxValue, long.MaxValue, 0, 2)]
    [TestCase("further away", long.MinValue, long.MinValue, 0, 2)]
    public void Wrong(string what, long address, long function, byte kind, byte version)
    {
        Make(Sled, address, function, kind, version);
        Assert.That(TryRead(named: true, out _), Is.False, what);
    }

    /// <summary>Neither the entry's addresses nor the code lead out of the text.</summary>
    [Test]
    public void WhateverIsInTheTableTheSiteIsInTheText()
    {
        var random = new Random(1);
        byte[] bytes = new byte[sizeof(XRaySled)];
        byte[] letters = [0x90, 0x66, 0xeb, 0x09, 0x0f, 0x1f, 0x84, 0, 0xe8, 0xf3, 0x1e, 0xfa];
        int sites = 0;
        for (int i = 0; i < 200_000; i++)
        {
            for (int at = 0; at < TextSize; at++)
            {
                _text[at] = letters[random.Next(letters.Length)];
            }

            int start = random.Next(TextSize);
            Convert.FromHexString(Sled).AsSpan(0, Math.Min(Sled.Length / 2, TextSize - start)).CopyTo(new Span<byte>(_text + start, TextSize - start));
            Describe((ulong)(_text + start), (ulong)(_text + start - random.Next(8)), (byte)random.Next(5), (byte)random.Next(1, 4));
            if (random.Next(4) == 0)
            {
                random.NextBytes(bytes);
                bytes.CopyTo(new Span<byte>(_entry, sizeof(XRaySled)));
                ((byte*)_entry)[16] = 0;
                ((byte*)_entry)[18] = 2;
            }

            if (TryRead(named: true, out Site site))
            {
                sites++;
                Assert.That(site.Function >= (ulong)_text && site.Ip >= site.Function && site.Size >= 5 && site.Ip + site.Size <= (ulong)(_text + TextSize), $"{i}");
            }
        }

        Assert.That(sites, Is.GreaterThan(1000));
    }
}
