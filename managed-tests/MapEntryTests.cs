using System.Text;
using Ftrace.Linux;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Lines of /proc/self/maps.</summary>
public sealed class MapEntryTests
{
    [TestCase("55d0c0a00000-55d0c0a02000 r-xp 00001000 08:01 123 /usr/bin/x", 0x55d0c0a00000ul, 0x55d0c0a02000ul, 5)]
    [TestCase("00400000-00401000 rw-p 00000000 00:00 0", 0x400000ul, 0x401000ul, 3)]
    [TestCase("7f0000000000-7f0000001000 ---p 00000000 00:00 0", 0x7f0000000000ul, 0x7f0000001000ul, 0)]
    [TestCase("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", 0xffffffffff600000ul, 0xffffffffff601000ul, 4)]
    [TestCase("1000-2000 rwxs 0 0:0 0 a-b r--p", 0x1000ul, 0x2000ul, 7)]
    public void LineIsParsed(string line, ulong start, ulong end, int protection)
    {
        Assert.That(MapEntry.TryParse(Encoding.ASCII.GetBytes(line), out MapEntry entry), Is.True);
        Assert.That((entry.Start, entry.End, entry.Protection), Is.EqualTo((start, end, protection)));
    }

    [TestCase("55d0c0a00000-55d0c0a02000 r-xp 00001000 08:01 123                    /usr/bin/x", "/usr/bin/x")]
    [TestCase("1000-2000 r-xp 00001000 08:01 123 /usr/lib/a b.so (deleted)", "/usr/lib/a b.so (deleted)")]
    [TestCase("1000-2000 r-xp 00000000 00:00 0                          [uprobes-trampoline]", "[uprobes-trampoline]")]
    [TestCase("1000-2000 r-xp 00000000 00:00 0 ", "")]
    [TestCase("1000-2000 r-xp 00000000 00:00 0", "")]
    [TestCase("1000-2000 r-xp", "")]
    [TestCase("", "")]
    public void NameIsFound(string line, string name) =>
        Assert.That(Encoding.ASCII.GetString(MapEntry.NameIn(Encoding.ASCII.GetBytes(line))), Is.EqualTo(name));

    [Test]
    public unsafe void QueryHasTheKernelsSize()
    {
        // _IOWR('f', 17, struct procmap_query)
        Assert.That(ProcmapQuery.Request, Is.EqualTo(3u << 30 | (uint)sizeof(ProcmapQuery) << 16 | 'f' << 8 | 17));
    }

    [TestCase("")]
    [TestCase("-")]
    [TestCase("1000")]
    [TestCase("1000-")]
    [TestCase("1000-2000")]
    [TestCase("1000-2000 r-")]
    [TestCase("2000-1000 r-xp")]
    [TestCase("1000-1000 r-xp")]
    [TestCase("g000-2000 r-xp")]
    [TestCase("11111111111111111-2000 r-xp")]
    [TestCase("1000 2000 r-xp")]
    public void WhatIsNoLineIsRefused(string line) =>
        Assert.That(MapEntry.TryParse(Encoding.ASCII.GetBytes(line), out _), Is.False);
}
