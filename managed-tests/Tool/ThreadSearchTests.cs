using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Ftrace.Tool.Attach;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>A process that executes another program after it was looked at: the addresses are those of the other program's memory.</summary>
public sealed class ThreadSearchTests
{
    [Test]
    public void AnotherProgramIsNoticed()
    {
        // Not a child of this process: the runtime waits for those, and would take the stops.
        const string Script = "exec 3<&0; /bin/sh -c 'read line; exec sleep 600' <&3 & echo $!; wait";
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        int target = int.Parse(shell.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        try
        {
            Await(() => TargetLooksLike(target, "sh"));
            using var process = new TargetProcess(target);
            Assert.That(process.Memory.TryOpen(), Is.True);
            TargetMaps maps = process.ReadMaps();
            List<Mapping> mappings = TargetChecks.CheckLibraries(process, maps, TargetChecks.CheckAuxiliaryVector(process, process.ReadAuxiliaryVector()), out string loader);
            var libc = new TargetLibc(process, maps, mappings);

            StoppedThread found = new ThreadSearch(process, maps, loader, libc, false, () => false).Find();
            found.Thread.Detach();

            shell.StandardInput.WriteLine();
            shell.StandardInput.Flush();
            Await(() => TargetLooksLike(target, "sleep"));
            try
            {
                new ThreadSearch(process, maps, loader, libc, false, () => false).Find().Thread.Detach();
                Assert.Fail("a thread of the other program is taken");
            }
            catch (AttachException e)
            {
                Assert.That(e.Refusal, Is.EqualTo(AttachRefusal.Ended));
                Assert.That(e.IsTemporary, Is.True);
            }

            Assert.That(process.ReadStatus().Tracer, Is.Zero);

            // Nothing is read from that one, or written to it, wherever: a thread may have been borrowed when another one executed it.
            Mapping stack = process.ReadMaps().All.Single(mapping => mapping.Name == "[stack]");
            Assert.That(process.Memory.TryRead(stack.Start, out ulong _), Is.False);
            Assert.That(process.Memory.TryWrite(stack.Start, new byte[8]), Is.False);
            using var now = new TargetProcess(target);
            Assert.That(now.Memory.TryWrite(stack.Start, new byte[8]), Is.True);
            Assert.That(process.RefuseEnded().IsTemporary && !now.RefuseEnded().IsTemporary, Is.True);
        }
        finally
        {
            Libc.Kill(target, 9);
            shell.WaitForExit();
        }
    }

    /// <summary>It is that program, with libc, and sleeps.</summary>
    private static bool TargetLooksLike(int pid, string name)
    {
        var status = new ProcessStatus(File.ReadAllText($"/proc/{pid}/status"));
        return status.Name == name && status.State == 'S' && File.ReadAllText($"/proc/{pid}/maps").Contains("libc.so.6", StringComparison.Ordinal);
    }

    private static void Await(Func<bool> condition) => Assert.That(() => SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(60)), Is.True);

    [TestCase("State:\tZ (zombie)\n", ExpectedResult = true)]
    [TestCase("State:\tX (dead)\n", ExpectedResult = true)]
    [TestCase("", ExpectedResult = true)]
    [TestCase("State:\tS (sleeping)\n", ExpectedResult = false)]
    [TestCase("State:\tt (tracing stop)\n", ExpectedResult = false)]
    public bool AThreadThatHasEndedIsNoReasonToRefuse(string status) => new ProcessStatus(status).HasEnded;
}
