using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Text;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Order, overlaps and look-up of a batch.</summary>
public sealed unsafe class PatchBatchTests
{
    private delegate void Check(PatchBatch batch, int result, FtracePatch[] patches);

    /// <summary>Sorting takes memory from the kernel; here it is the C library's.</summary>
    [OneTimeSetUp]
    public void Attach() => SystemCalls.Attach(&Syscall);

    [OneTimeTearDown]
    public void Detach() => SystemCalls.Detach();

    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f)
    {
        switch ((SyscallNumber)number)
        {
            case SyscallNumber.Mmap:
                return (nint)NativeMemory.AllocZeroed((nuint)b);
            case SyscallNumber.Munmap:
                NativeMemory.Free((void*)a);
                return 0;
            default:
                return 0;
        }
    }

    /// <summary>Twice: entries that have an error from before are looked at in another way.</summary>
    private static void With((ulong Ip, uint Len)[] entries, Check check)
    {
        With(entries, 99, check);
        With(entries, 0, check);
    }

    private static void With((ulong Ip, uint Len)[] entries, int error, Check check)
    {
        var patches = new FtracePatch[entries.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            patches[i] = new FtracePatch { Ip = entries[i].Ip, Len = entries[i].Len, Error = error };
        }

        fixed (FtracePatch* first = patches)
        {
            var batch = new PatchBatch(first, entries.Length);
            int result = batch.Order();
            check(batch, result, patches);
            batch.Free();
        }
    }

    [Test]
    public void EntriesAreOrderedByAddress() =>
        With([(300, 5), (100, 5), (200, 5), (105, 8)], (batch, result, patches) =>
        {
            Assert.That(result, Is.Zero);
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
        With([(a, aLen), (50, 5), (b, bLen)], (batch, result, patches) =>
        {
            Assert.That(result, Is.EqualTo(-Errno.EINVAL));
            Assert.That(patches[0].Error, Is.EqualTo(-Errno.EINVAL));
            Assert.That(patches[1].Error, Is.Zero);
            Assert.That(patches[2].Error, Is.EqualTo(-Errno.EINVAL));
        });

    [TestCase(100ul, 4088ul, true)]
    [TestCase(100ul, 4200ul, false)]
    [TestCase(4095ul, 8300ul, false)]
    [TestCase(100ul, 100_000ul, false)]
    [TestCase(200ul, 100ul, false)]
    public void BatchCoversItsPagesIfItsLocationsLieClose(ulong a, ulong b, bool covers) =>
        With([(a, 5), (b, 5)], 0, (batch, result, _) =>
        {
            Assert.That(result, Is.Zero);
            Assert.That(batch.CoversItsPages, Is.EqualTo(covers));
        });

    [TestCase(0u)]
    [TestCase(9u)]
    [TestCase(uint.MaxValue)]
    public void WrongLengthAmongRightOnesIsNamed(uint length) =>
        With([(100, 5), (110, length), (ulong.MaxValue - 3, 4)], (_, result, patches) =>
        {
            Assert.That(result, Is.EqualTo(-Errno.EINVAL));
            Assert.That(patches[0].Error, Is.EqualTo(length == uint.MaxValue ? patches[0].Error : 0));
            Assert.That(patches[1].Error, Is.EqualTo(-Errno.EINVAL));
        });

    [TestCase(0u, -Errno.EINVAL)]
    [TestCase(1u, 0)]
    [TestCase(8u, 0)]
    [TestCase(9u, -Errno.EINVAL)]
    [TestCase(uint.MaxValue, -Errno.EINVAL)]
    public void LengthIsOneToEight(uint length, int expected) =>
        With([(100, length)], (_, result, _) => Assert.That(result, Is.EqualTo(expected)));

    [TestCase(99ul, false)]
    [TestCase(100ul, false)]
    [TestCase(101ul, true)]
    [TestCase(104ul, true)]
    [TestCase(105ul, false)]
    [TestCase(0ul, false)]
    [TestCase(ulong.MaxValue, false)]
    public void InsideIsBehindTheFirstByteAndBeforeTheEnd(ulong address, bool inside) =>
        With([(200, 5), (100, 5)], (batch, _, _) =>
        {
            Assert.That(batch.LocationAround(address) != null, Is.EqualTo(inside));
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

            With(entries, (batch, result, patches) =>
            {
                bool overlap = false;
                for (int a = 0; a < entries.Length; a++)
                {
                    for (int b = 0; b < a; b++)
                    {
                        overlap |= entries[a].Item1 < entries[b].Item1 + entries[b].Item2 && entries[b].Item1 < entries[a].Item1 + entries[a].Item2;
                    }
                }

                Assert.That(result, Is.EqualTo(overlap ? -Errno.EINVAL : 0));
            });
        }
    }
}
