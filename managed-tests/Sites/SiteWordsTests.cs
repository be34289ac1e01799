using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Ftrace.Objects;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>Words of the host's by address.</summary>
[NonParallelizable]
public sealed unsafe class SiteWordsTests
{
    private const ulong First = 0x7f00_0000_1000;
    private const int Threads = 4;

    private SiteWords _words;

    [SetUp]
    public void Attach() => GuardedMemory.Attach();

    [TearDown]
    public void Free()
    {
        _words.Free();
        SystemCalls.Detach();
        Assert.That(GuardedMemory.Mapped, Is.Zero);
    }

    private static IEnumerable<ulong> Addresses(int count, ulong distance) => Enumerable.Range(0, count).Select(i => First + (ulong)i * distance);

    [Test]
    public void EachAddressHasAWordOfItsOwn([Values(1, 2, 3, 5, 1000)] int count, [Values(5ul, 16ul, 4096ul, 1ul << 32)] ulong distance)
    {
        Assert.That(_words.TryReserve(count));
        var found = new HashSet<nint>();
        foreach (ulong ip in Addresses(count, distance))
        {
            Assert.That((ulong)_words.Find(ip), Is.Zero);
            ulong* word = _words.Add(ip);
            Assert.That(found.Add((nint)word), "two have the same word");
            Assert.That(*word, Is.Zero);
            *word = ip;
        }

        foreach (ulong ip in Addresses(count, distance))
        {
            Assert.That((ulong)_words.Find(ip), Is.EqualTo((ulong)_words.Add(ip)), "a word moved");
            Assert.That(*_words.Find(ip), Is.EqualTo(ip));
        }

        Assert.That((ulong)_words.Find(First - 1), Is.Zero);
        Assert.That((ulong)_words.Find(First + 1), Is.Zero);
        Assert.That((ulong)_words.Find(0), Is.Zero);
    }

    [Test]
    public void MemoryIsBoundedByTheSites([Values(1, 2, 3, 4, 5, 1023, 1024, 1025)] int count)
    {
        long before = GuardedMemory.Mapped;
        Assert.That(_words.TryReserve(count));
        Assert.That(GuardedMemory.Mapped - before, Is.LessThanOrEqualTo((long)count * SiteWords.BytesPerSite));
    }

    /// <summary>More addresses than there can be: those that find no slot have no word, and no search is endless.</summary>
    [Test]
    public void FullTableIsNotSearchedForEver()
    {
        Assert.That(_words.TryReserve(4));
        int added = Addresses(100, 16).Count(ip => _words.Add(ip) != null);
        Assert.That(added, Is.GreaterThanOrEqualTo(4).And.LessThan(100));
        Assert.That(Addresses(100, 16).Count(ip => _words.Find(ip) != null), Is.EqualTo(added));
    }

    /// <summary>Threads that add the same addresses at once get the same words.</summary>
    [Test]
    public void AddressThatSeveralThreadsAddHasOneWord()
    {
        const int Count = 20000;

        Assert.That(_words.TryReserve(Count));
        var found = new nint[Threads][];
        using var barrier = new Barrier(Threads);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(n => new Thread(() =>
        {
            var words = new nint[Count];
            int at = 0;
            barrier.SignalAndWait();
            foreach (ulong ip in Addresses(Count, 16))
            {
                ulong* word = _words.Add(ip);
                Interlocked.Increment(ref *word);
                words[at++] = (nint)word;
            }

            found[n] = words;
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.That(found.Skip(1), Is.All.EqualTo(found[0]));
        Assert.That(found[0].Distinct().Count(), Is.EqualTo(Count));
        Assert.That(found[0].All(word => *(ulong*)word == Threads));
    }
}
