using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Ftrace.Linux;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>What getdents64(2) may hold.</summary>
public sealed class TaskScanTests
{
    private static byte[] Entry(string name, int? length = null)
    {
        int needed = 19 + name.Length + 1;
        byte[] entry = new byte[(needed + 7) / 8 * 8];
        BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(16), (ushort)(length ?? entry.Length));
        entry[18] = 4;
        Encoding.ASCII.GetBytes(name).CopyTo(entry, 19);
        return entry;
    }

    private static List<int> Scan(params byte[][] entries)
    {
        var all = new List<byte>();
        foreach (byte[] entry in entries)
        {
            all.AddRange(entry);
        }

        return ScanBytes(all.ToArray());
    }

    private static List<int> ScanBytes(byte[] bytes)
    {
        var tids = new List<int>();
        var scan = new TaskScan(bytes);
        while (scan.Next(out int tid))
        {
            tids.Add(tid);
        }

        return tids;
    }

    [Test]
    public void ThreadsAreListedAndDotsPassedOver() =>
        Assert.That(Scan(Entry("."), Entry(".."), Entry("1"), Entry("4194304"), Entry("77")), Is.EqualTo(new[] { 1, 4194304, 77 }));

    [Test]
    public void NothingIsNothing() => Assert.That(ScanBytes([]), Is.Empty);

    [TestCase("12x")]
    [TestCase("x12")]
    [TestCase("-1")]
    [TestCase("0")]
    [TestCase("99999999999999999999")]
    [TestCase("2147483648")]
    [TestCase("")]
    public void NamesThatAreNoThreadIdArePassedOver(string name) =>
        Assert.That(Scan(Entry(name), Entry("5")), Is.EqualTo(new[] { 5 }));

    [TestCase(0)]
    [TestCase(19)]
    [TestCase(4000)]
    public void EntryThatDoesNotFitEndsTheScan(int length) =>
        Assert.That(Scan(Entry("7"), Entry("8", length), Entry("9")), Is.EqualTo(new[] { 7 }));

    [Test]
    public void EveryTruncationIsHarmless()
    {
        byte[] whole = [.. Entry("123"), .. Entry("456")];
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.That(ScanBytes(whole[..length]).Count, Is.EqualTo(length >= Entry("123").Length ? 1 : 0));
        }
    }
}
