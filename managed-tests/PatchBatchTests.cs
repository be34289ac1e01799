using System;
using Ftrace.Linux;
using Ftrace.Text;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Order, overlaps and look-up of a batch.</summary>
public sealed unsafe class PatchBatchTests
{
    private delegate void Check(PatchBatch batch, FtracePatch[] patches);

    private static void With((ulong Ip, uint Len)[] entries, Check check)
    {
        var patches = new FtracePatch[entries.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            patches[i] = new FtracePatch { Ip = entries[i].Ip, Len = entries[i].Len, Error = 99 };
        }

        fixed (FtracePatch* first = patches)
        {
            check(new PatchBatch(first, entries.Length), patches);
        }
    }

    [Test]
    public void EntriesAreOrderedByAddress() =>
        With([(300, 5), (100, 5), (200, 5), (105, 8)], (batch, patches) =>
        {
            Assert.That(batch.Order(), Is.Zero);
            ulong last = 0;
            for (int i = 0; i < batch.Count; i++)
            {
                Assert.That(batch[i]->Ip, Is.GreaterThan(last));
                last = batch[i]->Ip;
            }

            Assert.That(patches, Has.All.Matches<FtracePatch>(p => p.Error == 0));
        });

    [TestCase(100ul, 5u, 104ul, 5u)]
    [TestCase(104ul, 5u, 100ul, 5u)]
    [TestCase(100ul, 1u, 100ul, 1u)]
    [TestCase(100ul, 8u, 107ul, 1u)]
    [TestCase(ulong.MaxValue - 1, 8u, ulong.MaxValue, 1u)]
    public void OverlapNamesBoth(ulong a, uint aLen, ulong b, uint bLen) =>
        With([(a, aLen), (50, 5), (b, bLen)], (batch, patches) =>
        {
            Assert.That(batch.Order(), Is.EqualTo(-Errno.EINVAL));
            Assert.That(patches[0].Error, Is.EqualTo(-Errno.EINVAL));
            Assert.That(patches[1].Error, Is.Zero);
            Assert.That(patches[2].Error, Is.EqualTo(-Errno.EINVAL));
        });

    [TestCase(0u, -Errno.EINVAL)]
    [TestCase(1u, 0)]
    [TestCase(8u, 0)]
    [TestCase(9u, -Errno.EINVAL)]
    [TestCase(uint.MaxValue, -Errno.EINVAL)]
    public void LengthIsOneToEight(uint length, int expected) =>
        With([(100, length)], (batch, _) => Assert.That(batch.Order(), Is.EqualTo(expected)));

    [TestCase(99ul, false)]
    [TestCase(100ul, false)]
    [TestCase(101ul, true)]
    [TestCase(104ul, true)]
    [TestCase(105ul, false)]
    [TestCase(0ul, false)]
    [TestCase(ulong.MaxValue, false)]
    public void InsideIsBehindTheFirstByteAndBeforeTheEnd(ulong address, bool inside) =>
        With([(200, 5), (100, 5)], (batch, _) =>
        {
            batch.Order();
            Assert.That(batch.Around(address) != null, Is.EqualTo(inside));
        });

    [Test]
    public void AgreesWithALinearSearch()
    {
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            var entries = new (ulong, uint)[random.Next(1, 40)];
            for (int i = 0; i < entries.Length; i++)
            {
                entries[i] = ((ulong)random.Next(400), (uint)random.Next(1, 9));
            }

            With(entries, (batch, patches) =>
            {
                bool overlap = false;
                for (int a = 0; a < entries.Length; a++)
                {
                    for (int b = 0; b < a; b++)
                    {
                        overlap |= entries[a].Item1 < entries[b].Item1 + entries[b].Item2 && entries[b].Item1 < entries[a].Item1 + entries[a].Item2;
                    }
                }

                Assert.That(batch.Order(), Is.EqualTo(overlap ? -Errno.EINVAL : 0));
            });
        }
    }
}
