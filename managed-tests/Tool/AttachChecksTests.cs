using System;
using System.Collections.Generic;
using System.Linq;
using Ftrace.Tool.Attach;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What ftrace attach refuses before it touches a process, from the texts in /proc.</summary>
public sealed class AttachChecksTests
{
    private const int NoSuchProcess = 4_194_305; // above the highest id

    private const string Usual = """
        Name:	server
        State:	S (sleeping)
        Tgid:	4194305
        Pid:	4194305
        TracerPid:	0
        Uid:	1000	1001	1000	1000
        NSpid:	4194305	17
        VmSize:	    2000 kB
        SigPnd:	0000000000000400
        ShdPnd:	0000000000000001
        SigCgt:	0000000000004002
        Seccomp:	0
        """;

    private const string Maps = """
        55d0c0a00000-55d0c0a02000 r-xp 00000000 08:01 1 /usr/bin/server
        7f0000000000-7f0000100000 r--p 00000000 08:01 2 /usr/lib/libc.so.6
        7f0000100000-7f0000200000 r-xp 00100000 08:01 2 /usr/lib/libc.so.6
        7f0000300000-7f0000301000 r--p 00000000 08:01 3 /usr/lib/ld-linux-x86-64.so.2
        7f0000400000-7f0000401000 ---p 00000000 00:00 0
        7f0000401000-7f0000501000 rw-p 00000000 00:00 0
        7f0000600000-7f0000700000 rw-p 00000000 00:00 0
        7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]
        """;

    private static readonly TargetProcess s_process = new(NoSuchProcess);

    private static AttachException? Check(string text, bool force = false) =>
        Catch(() => TargetChecks.CheckStatus(s_process, new ProcessStatus(text), force));

    private static AttachException? Catch(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (AttachException e)
        {
            return e;
        }
    }

    private static byte[] Vector(params ulong[] words) => [.. words.SelectMany(BitConverter.GetBytes)];

    [Test]
    public void AUsualProcessIsNotRefused()
    {
        Assert.That(Check(Usual), Is.Null);
        Assert.That(TargetChecks.CheckAuxiliaryVector(s_process, Vector(3, 0x40, 4, 56, 7, 0x7f0000300000, 0, 0)), Is.EqualTo(0x7f0000300000));
        List<Mapping> libc = TargetChecks.CheckLibraries(s_process, new TargetMaps(Maps), 0x7f0000300000, out string loader);
        Assert.That(libc, Has.Count.EqualTo(2));
        Assert.That(loader, Is.EqualTo("/usr/lib/ld-linux-x86-64.so.2"));
    }

    [TestCase("State:	S (sleeping)", "State:	Z (zombie)", (int)AttachRefusal.Ended)]
    [TestCase("VmSize:	    2000 kB", "Kthread:	1", (int)AttachRefusal.KernelThread)]
    [TestCase("VmSize:	    2000 kB", "", (int)AttachRefusal.KernelThread)]
    [TestCase("TracerPid:	0", "TracerPid:	4194306", (int)AttachRefusal.Traced)]
    [TestCase("State:	S (sleeping)", "State:	T (stopped)", (int)AttachRefusal.Stopped)]
    [TestCase("Seccomp:	0", "Seccomp:	0\nx86_Thread_features:	shstk wrss", (int)AttachRefusal.ShadowStack)]
    [TestCase("Seccomp:	0", "Seccomp:	1", (int)AttachRefusal.Seccomp)]
    [TestCase("Seccomp:	0", "Seccomp:	2", (int)AttachRefusal.Seccomp)]
    public void StatusIsRefused(string usual, string other, int refusal)
    {
        AttachException? refused = Check(Usual.Replace(usual, other, StringComparison.Ordinal));
        Assert.That(refused?.Refusal, Is.EqualTo((AttachRefusal)refusal));
        Assert.That(refused!.Message, Does.StartWith("4194305: "));
    }

    [TestCase(1, false)]
    [TestCase(2, true)]
    public void ForceIsForFilters(int mode, bool passes) =>
        Assert.That(Check(Usual.Replace("Seccomp:	0", $"Seccomp:	{mode}", StringComparison.Ordinal), force: true), passes ? Is.Null : Is.Not.Null);

    [Test]
    public void OtherMachine() =>
        Assert.That(Catch(() => TargetChecks.CheckAuxiliaryVector(s_process, Vector(0x0000_0040_0000_0003, 0x0000_0020_0000_0004, 0, 0)))?.Refusal, Is.EqualTo(AttachRefusal.OtherMachine));

    [TestCase("libc.so.6", "libother.so", 0x7f0000300000ul, (int)AttachRefusal.NoLibc)]
    [TestCase("libc.so.6", "libc.musl-x86_64.so.1", 0x7f0000300000ul, (int)AttachRefusal.Musl)]
    [TestCase("ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", 0x7f0000300000ul, (int)AttachRefusal.Musl)]
    [TestCase("ld-linux-x86-64.so.2", "libc.so", 0x7f0000300000ul, (int)AttachRefusal.Musl)]
    [TestCase("bin/server", "libexec/valgrind/vgpreload_core-amd64-linux.so", 0x7f0000300000ul, (int)AttachRefusal.Emulated)]
    public void LibrariesAreRefused(string usual, string other, ulong loader, int refusal) =>
        Assert.That(Catch(() => TargetChecks.CheckLibraries(s_process, new TargetMaps(Maps.Replace(usual, other, StringComparison.Ordinal)), loader, out _))?.Refusal, Is.EqualTo((AttachRefusal)refusal));

    [Test]
    public void Static() =>
        Assert.That(Catch(() => TargetChecks.CheckLibraries(s_process, new TargetMaps("00400000-00401000 r-xp 00000000 08:01 1 /bin/busybox"), 0, out _))?.Refusal, Is.EqualTo(AttachRefusal.Static));

    [TestCase(1000u, 0, (int)AttachRefusal.OtherUser)]
    [TestCase(1001u, -1, (int)AttachRefusal.Protected)]
    [TestCase(1001u, 0, (int)AttachRefusal.Protected)]
    [TestCase(1001u, 1, (int)AttachRefusal.Forbidden)]
    [TestCase(1001u, 2, (int)AttachRefusal.Forbidden)]
    [TestCase(0u, 1, (int)AttachRefusal.Forbidden)]
    [TestCase(0u, 3, (int)AttachRefusal.Forbidden)]
    public void Permissions(uint user, int scope, int refusal) =>
        Assert.That(Permission.Refuse(s_process, new ProcessStatus(Usual), 0, user, scope).Refusal, Is.EqualTo((AttachRefusal)refusal));

    [Test]
    public void StatusHasTheInnerIdAndTheSignals()
    {
        var status = new ProcessStatus(Usual);
        Assert.That(status.InnerId, Is.EqualTo(17));
        Assert.That(status.Pending, Is.EqualTo(0x401));
        Assert.That(status.Caught, Is.EqualTo(0x4002));
    }

    [Test]
    public void ExitStatusesCollideWithNoOther()
    {
        int[] numbers = [.. Enum.GetValues<AttachRefusal>().Select(refusal => (int)refusal)];
        Assert.That(numbers, Is.Unique);
        Assert.That(numbers, Is.All.InRange(70, 99));
    }

    [TestCase(0x7ffc00020000ul, 0x7f0000800000ul, 8ul << 20, ExpectedResult = (8ul << 20) - 0x1000)] // of the main thread: to the limit
    [TestCase(0x7ffc00020000ul, 0x7f0000800000ul, ulong.MaxValue, ExpectedResult = 0x7ffc00020000ul - 0x7f0000700000ul - 0x100000ul)] // to what is below
    [TestCase(0x7ffc00020000ul, 0x7f0000800000ul, 0ul, ExpectedResult = 0x20000ul)] // what is mapped
    [TestCase(0x7ffd00020000ul, 0x7f0000800000ul, 0ul, ExpectedResult = 0ul)] // no mapping
    [TestCase(0x7f0000100000ul, 0x7f0000800000ul, 0ul, ExpectedResult = 0ul)] // not writable
    [TestCase(0x7f0000500000ul, 0x7f0000500800ul, 0ul, ExpectedResult = 0xff000ul)] // of another one
    [TestCase(0x7f0000500000ul, 0x7f0000700000ul, 0ul, ExpectedResult = 0ul)] // it is not the thread's own
    [TestCase(0x7f00006ff000ul, 0x7f00006ff800ul, 0ul, ExpectedResult = 0ul)] // no guard below
    public ulong StackLeft(ulong pointer, ulong control, ulong limit) => TargetStack.Left(new TargetMaps(Maps), pointer, control, limit);

    [Test]
    public void StackLimit()
    {
        const string Text = "Limit                     Soft Limit           Hard Limit           Units     \nMax stack size            8388608              unlimited            bytes     \n";
        Assert.That(TargetStack.StackLimitIn(Text), Is.EqualTo(8388608));
        Assert.That(TargetStack.StackLimitIn(Text.Replace("8388608  ", "unlimited", StringComparison.Ordinal)), Is.EqualTo(ulong.MaxValue));
    }

    [Test]
    public void AFileThatIsMappedAsDataIsNoObject()
    {
        const string Data = "100000000000-100000200000 r--p 00000000 08:01 2 /usr/lib/libc.so.6\n100000200000-100000201000 rw-p 00000000 00:00 0\n";
        Assert.That(CheckLibc(Data + Maps)[0].Start, Is.EqualTo(0x7f0000000000));
        Assert.That(CheckLibc(Maps.Replace("55d0c0a00000", "000000400000", StringComparison.Ordinal))[0].Start, Is.EqualTo(0x7f0000000000));
        Assert.That(new TargetMaps(Data).OfObject(mapping => mapping.FileName is "libc.so.6"), Is.Empty);
    }

    private static List<Mapping> CheckLibc(string maps) => TargetChecks.CheckLibraries(s_process, new TargetMaps(maps), 0x7f0000300000, out _);

    [Test]
    public void MessagesHaveNoWordsThatATerminalObeys() =>
        Assert.That(s_process.Refuse(AttachRefusal.NotLoaded, "cannot open\u001b[2J").Message, Is.EqualTo("4194305: cannot open\ufffd[2J"));

    [TestCase("7f0000300000-7f0000301000 r--p 00000000 08:01 3 /usr/lib/a b.so (deleted)", "a b.so")]
    [TestCase("7f0000300000-7f0000301000 rw-p 00000000 00:00 0 ", "")]
    [TestCase("7f0000300000-7f0000301000 rw-p 00000000 00:00 0 [heap]", "")]
    public void NamesOfMappings(string line, string name)
    {
        Assert.That(Mapping.TryParse(line, out Mapping mapping), Is.True);
        Assert.That(mapping.FileName.ToString(), Is.EqualTo(name));
        Assert.That(mapping.Start, Is.EqualTo(0x7f0000300000));
        Assert.That(mapping.End, Is.EqualTo(0x7f0000301000));
    }

    [TestCase("")]
    [TestCase("7f0000300000 r--p 00000000 08:01 3")]
    [TestCase("7f0000301000-7f0000300000 r--p 00000000 08:01 3")]
    [TestCase("x-y r--p 00000000 08:01 3")]
    [TestCase("7f0000300000-7f0000301000 r- 00000000 08:01 3")]
    public void NoMapping(string line) => Assert.That(Mapping.TryParse(line, out _), Is.False);

    [TestCase("232 0x4 0x7ffd 0x1 0x64 0x0 0x0 0x7ffe 0x7f0000100042", true, 232)]
    [TestCase("202 0x4 0x189 0x1 0x64 0x0 0x0 0x7ffe 0x7f0000100042", true, 202)] // FUTEX_WAIT_BITSET | private | realtime
    [TestCase("202 0x4 0x80 0x1 0x64 0x0 0x0 0x7ffe 0x7f0000100042", false, 202)] // FUTEX_WAIT: a lock
    [TestCase("202 0x4 0x80 0x2 0x0 0x0 0x0 0x7ffe 0x7f0000100042", false, 202)] // the same, as glibc makes it
    [TestCase("202 0x4 0x80 0x0 0x0 0x0 0x0 0x7ffe 0x7f0000100042", true, 202)] // a condition, before glibc 2.34
    [TestCase("219 0x0 0x0 0x7ffc 0x7ffd 0x0 0x0 0x7ffe 0x7f0000100042", true, 219)] // restart_syscall
    [TestCase("1 0x4 0x7ffd 0x1 0x64 0x0 0x0 0x7ffe 0x7f0000100042", false, 1)]
    public void ListedCalls(string text, bool isListed, long expected)
    {
        Assert.That(SleepingCall.TryParse(text, out long number, out ulong second, out ulong third, out ulong instruction), Is.True);
        Assert.That(number, Is.EqualTo(expected));
        Assert.That(instruction, Is.EqualTo(0x7f0000100042));
        Assert.That(SleepingCall.IsListed(number, second, third), Is.EqualTo(isListed));
    }

    [TestCase("running")]
    [TestCase("-1 0x7ffe 0x7f0000100042")]
    [TestCase("")]
    public void InNoCall(string text) => Assert.That(SleepingCall.TryParse(text, out _, out _, out _, out _), Is.False);
}
