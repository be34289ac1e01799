using System.Text;
using Ftrace.Linux;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>What /proc/.../stat and /proc/.../status may hold.</summary>
public sealed class TaskStatTests
{
    [TestCase("12 (name) S 1 2 3 0 -1 4194304 5", nameof(TaskKind.Thread))]
    [TestCase("12 (a) b) (c)) Z 1 2 3 0 -1 4194304 5", nameof(TaskKind.Ended))]
    [TestCase("12 (x) X 1", nameof(TaskKind.Ended))]
    [TestCase("12 (\n) R 1 2 3 0 -1 64 5", nameof(TaskKind.Thread))]
    [TestCase("12 (iou-wrk-12) S 1 2 3 0 -1 16 5", nameof(TaskKind.KernelWorker))]
    [TestCase("12 (iou-sqp-12) S 1 2 3 0 -1 20480 5", nameof(TaskKind.KernelWorker))]
    [TestCase("", nameof(TaskKind.Unknown))]
    [TestCase("12 (name", nameof(TaskKind.Unknown))]
    [TestCase("12 (name)", nameof(TaskKind.Unknown))]
    [TestCase("12 (name) ", nameof(TaskKind.Unknown))]
    [TestCase("12 (name)S", nameof(TaskKind.Unknown))]
    [TestCase("12 (name) S 1 2 3 0 -1", nameof(TaskKind.Unknown))]
    [TestCase("12 (name) S 1 2 3 0 -1 x", nameof(TaskKind.Unknown))]
    public void KindIsReadBehindTheLastParenthesis(string stat, string kind) =>
        Assert.That(TaskStat.KindOf(Encoding.ASCII.GetBytes(stat)).ToString(), Is.EqualTo(kind));

    [TestCase("Name:\tx\nSigQ:\t1/9\nSigPnd:\t2000000000000000\nShdPnd:\t0000000000000001\n", 0x2000000000000000ul)]
    [TestCase("Name:\tx\nSigPnd:\t0000000000000000\n", 0ul)]
    [TestCase("Name:\tSigPnd:\tffff\nSigPnd:\t0000000000000010\n", 0x10ul)]
    [TestCase("Name:\tx\n", 0ul)]
    [TestCase("", 0ul)]
    [TestCase("\nSigPnd:\t", 0ul)]
    [TestCase("\nSigPnd:\tzz", 0ul)]
    public void PendingSignalsAreTheThreadsOwn(string status, ulong pending) =>
        Assert.That(TaskStat.PendingOf(Encoding.ASCII.GetBytes(status)), Is.EqualTo(pending));

    [TestCase("Name:\tx\nTracerPid:\t0\nSigBlk:\tfffffffe7ffbfeff\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n",
        0xfffffffe7ffbfefful, 12ul)]
    [TestCase("Name:\tx\nSigBlk:\t0000000000000010\nnonvoluntary_ctxt_switches:\t3\nvoluntary_ctxt_switches:\t0\n", 0x10ul, 0ul)]
    public void MaskIsReadTogetherWithSleeps(string status, ulong blocked, ulong sleeps)
    {
        Assert.That(TaskStat.TryMaskOf(Encoding.ASCII.GetBytes(status), out ulong foundBlocked, out ulong foundSleeps));
        Assert.That((foundBlocked, foundSleeps), Is.EqualTo((blocked, sleeps)));
    }

    [TestCase("")]
    [TestCase("Name:\tx\nSigBlk:\t0000000000000000\n")]
    [TestCase("Name:\tx\nSigBlk:\t0000000000000000\nnonvoluntary_ctxt_switches:\t3\n")]
    [TestCase("Name:\tx\nSigBlk:\t\nvoluntary_ctxt_switches:\t12\n")]
    [TestCase("Name:\tx\nvoluntary_ctxt_switches:\t12\n")]
    public void MaskThatIsNotThereIsNoEmptyOne(string status) =>
        Assert.That(TaskStat.TryMaskOf(Encoding.ASCII.GetBytes(status), out _, out _), Is.False);

    [TestCase("Name:\tx\nTracerPid:\t0\nSigPnd:\t10\n", 0ul)]
    [TestCase("Name:\tx\nTracerPid:\t1234\nSigBlk:\t0000000000000010\n", 1234ul)]
    [TestCase("Name:\tx\n", 0ul)]
    public void TracerIsRead(string status, ulong tracer) =>
        Assert.That(TaskStat.TracerOf(Encoding.ASCII.GetBytes(status)), Is.EqualTo(tracer));
}
