using System;
using Ftrace.Objects;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>What compilers leave at a function's entry.</summary>
public sealed class PatchableEntryTests
{
    // What, bytes, whether a call may stand there, bytes before the entry, expected offset and size; -1: not a place.
    [TestCase("five nops", "9090909090c3", false, 0, 0, 5)]
    [TestCase("four nops", "90909090c3c3", false, 0, -1, 0)]
    [TestCase("one nop of five", "0f1f440000c3", false, 0, 0, 5)]
    [TestCase("one nop of six", "660f1f440000c3", false, 0, 0, 6)]
    [TestCase("eight and one", "0f1f84000000000090c3", false, 0, 0, 8)]
    [TestCase("three and three", "0f1f000f1f00c3", false, 0, 0, 6)]
    [TestCase("ours", "6666666690c3", false, 0, 0, 5)]
    [TestCase("after endbr64", "f30f1efa9090909090c3", false, 0, 4, 5)]
    [TestCase("three in front", "90909090909090909090c3", false, 3, 3, 5)]
    [TestCase("three in front, endbr64", "909090f30f1efa9090909090c3", false, 3, 7, 5)]
    [TestCase("too few after the entry", "90909090909090c3", false, 3, -1, 0)]
    [TestCase("call, not noted as one", "e800000000c3", false, 0, -1, 0)]
    [TestCase("call", "e800000000c3", true, 0, 0, 5)]
    [TestCase("call after endbr64", "f30f1efae800000000c3", true, 0, 4, 5)]
    [TestCase("call through the GOT", "ff1500000000c3", true, 0, 0, 6)]
    [TestCase("what the linker makes of that", "67e800000000c3", true, 0, 0, 6)]
    [TestCase("another call", "ff1000000000c3", true, 0, -1, 0)]
    [TestCase("nops where a call was", "906666666690c3", true, 0, 0, 6)]
    [TestCase("code", "554889e5c3c3", false, 0, -1, 0)]
    [TestCase("cut call", "ff15000000", true, 0, -1, 0)]
    [TestCase("cut nop", "0f1f4400", false, 0, -1, 0)]
    [TestCase("cut after endbr64", "f30f1efa90", false, 0, -1, 0)]
    [TestCase("nothing", "", false, 0, -1, 0)]
    [TestCase("entry after the end", "9090909090", false, 64, -1, 0)]
    public void Table(string what, string hex, bool isMcount, int toEntry, int offset, int size)
    {
        bool found = PatchableEntry.TryFind(Convert.FromHexString(hex), isMcount, toEntry, out int actual, out int actualSize);
        Assert.That(found, Is.EqualTo(offset >= 0), what);
        if (found)
        {
            Assert.That((actual, actualSize), Is.EqualTo((offset, size)), what);
        }
    }

    // What a compiler leaves for a call, and no nop of any other purpose.
    [TestCase("GCC", "9090909090c3", true)]
    [TestCase("GCC, after endbr64", "f30f1efa9090909090c3", true)]
    [TestCase("Clang, 5 bytes", "0f1f440008c3", true)]
    [TestCase("Clang, 6 bytes", "660f1f440008c3", true)]
    [TestCase("Clang, 7 bytes", "0f1f8000020000c3", true)]
    [TestCase("Clang, 8 bytes, after endbr64", "f30f1efa0f1f840000020000c3", true)]
    [TestCase("Clang, 15 bytes", "66666666662e660f1f840000020000c3", true)]
    [TestCase("Clang, a sled", "eb09660f1f840000020000c3", true)]
    [TestCase("Clang, a sled after endbr64, at an even address", "f30f1efa90eb09660f1f840000020000c3", true)]
    [TestCase("a jump", "eb0990909090909090909090c3", false)]
    [TestCase("a sled that was cut", "eb09660f1f8400000200", false)]
    [TestCase("four nops", "90909090c3", false)]
    [TestCase("a branch on a static key", "0f1f440000c3", false)]
    [TestCase("alignment", "662e0f1f840000000000c3", false)]
    [TestCase("alignment, 7 bytes", "0f1f8000000000c3", false)]
    [TestCase("code", "554889e5c3c3", false)]
    [TestCase("cut", "f30f1efa90909090", false)]
    [TestCase("nothing", "", false)]
    public void Room(string what, string hex, bool isRoom) => Assert.That(PatchableEntry.IsRoom(Convert.FromHexString(hex)), Is.EqualTo(isRoom), what);

    [TestCase("as compiled", "eb09660f1f840000020000c3", true)]
    [TestCase("turned off", "eb0901000000e8f1ffffff", true)]
    [TestCase("turned on", "41ba01000000e8f1ffffff", false)]
    [TestCase("a jump over something else", "eb0901000000e9f1ffffff", false)]
    [TestCase("another jump", "eb0a660f1f840000020000c3", false)]
    [TestCase("nops where a sled was", "6666666690660f1f440000", false)]
    [TestCase("cut", "eb09660f1f8400000200", false)]
    [TestCase("nothing", "", false)]
    public void Sled(string what, string hex, bool isSled) => Assert.That(PatchableEntry.IsSled(Convert.FromHexString(hex)), Is.EqualTo(isSled), what);

    [Test]
    public void WhateverStandsThereTheResultLiesInIt()
    {
        var random = new Random(1);
        byte[] letters = [0x90, 0x66, 0x2e, 0x0f, 0x1f, 0x44, 0x84, 0, 0xe8, 0xff, 0x15, 0x67, 0xf3, 0x1e, 0xfa];
        int places = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] code = new byte[random.Next(PatchableEntry.MaxBytes + 1)];
            for (int at = 0; at < code.Length; at++)
            {
                code[at] = letters[random.Next(random.Next(2) == 0 ? 1 : letters.Length)];
            }

            int toEntry = random.Next(20);
            if (PatchableEntry.TryFind(code, random.Next(2) == 0, toEntry, out int offset, out int size))
            {
                places++;
                Assert.That(offset >= toEntry && size >= 5 && offset + size <= code.Length, Convert.ToHexString(code));
            }
        }

        Assert.That(places, Is.GreaterThan(1000));
    }
}
