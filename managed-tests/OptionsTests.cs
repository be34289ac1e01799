using System;
using Ftrace.Exports;
using Ftrace.Linux;
using Ftrace.Patch;
using Ftrace.Stop;
using Ftrace.Text;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Validation of structures that may grow, and of signal numbers.</summary>
public sealed unsafe class OptionsTests
{
    [Test]
    public void OptionsOfZeroAreTheDefaults()
    {
        var options = new FtracePatchOpts { Size = (nuint)sizeof(FtracePatchOpts) };
        Assert.That(PatchOptions.Check(&options, out PatchRequest request), Is.Zero);
        Assert.That(request, Is.EqualTo(new PatchRequest(FtraceMethod.Auto, FtraceWriter.Auto, StopMachine.DefaultTimeoutMs)));
    }

    [TestCase(0u, 5000u)]
    [TestCase(1u, 1u)]
    [TestCase(uint.MaxValue, uint.MaxValue)]
    public void TimeoutOfZeroIsTheDefault(uint given, uint expected)
    {
        var options = new FtracePatchOpts { Size = (nuint)sizeof(FtracePatchOpts), TimeoutMs = given };
        Assert.That(PatchOptions.Check(&options, out PatchRequest request), Is.Zero);
        Assert.That(request.TimeoutMs, Is.EqualTo(expected));
    }

    [TestCase(0, 0)]
    [TestCase(1, 0)]
    [TestCase(2, 0)]
    [TestCase(3, -Errno.EINVAL)]
    [TestCase(-1, -Errno.EINVAL)]
    public void MethodIsChecked(int method, int expected)
    {
        var options = new FtracePatchOpts { Size = (nuint)sizeof(FtracePatchOpts), Method = (FtraceMethod)method };
        Assert.That(PatchOptions.Check(&options, out _), Is.EqualTo(expected));
    }

    [TestCase(0, 0)]
    [TestCase(1, 0)]
    [TestCase(2, 0)]
    [TestCase(3, -Errno.EINVAL)]
    [TestCase(-1, -Errno.EINVAL)]
    public void WriterIsChecked(int writer, int expected)
    {
        var options = new FtracePatchOpts { Size = (nuint)sizeof(FtracePatchOpts), Writer = (FtraceWriter)writer };
        Assert.That(PatchOptions.Check(&options, out PatchRequest request), Is.EqualTo(expected));
        Assert.That(request.Writer, Is.EqualTo((FtraceWriter)writer));
    }

    [Test]
    public void FlagsAreZero()
    {
        var options = new FtracePatchOpts { Size = (nuint)sizeof(FtracePatchOpts), Flags = 1 };
        Assert.That(PatchOptions.Check(&options, out _), Is.EqualTo(-Errno.EINVAL));
    }

    [Test]
    public void FieldsBehindTheCallersSizeAreNotRead()
    {
        var options = new FtracePatchOpts { Size = FtracePatchOpts.FirstSize, TimeoutMs = 7, Writer = (FtraceWriter)99, Flags = 99 };
        Assert.That(PatchOptions.Check(&options, out PatchRequest request), Is.Zero);
        Assert.That(request, Is.EqualTo(new PatchRequest(FtraceMethod.Auto, FtraceWriter.Auto, 7)));
    }

    [TestCase(0, 0, -Errno.EINVAL)]
    [TestCase(15, 0, -Errno.EINVAL)]
    [TestCase(16, 0, 0)]
    [TestCase(17, 0, 0)]
    [TestCase(64, 0, 0)]
    [TestCase(64, 1, -Errno.E2BIG)]
    [TestCase(25, 1, 0)] // the byte lies after what the size covers
    public void UnknownTailMustBeZero(int size, byte tail, int expected)
    {
        byte* bytes = stackalloc byte[64];
        new Span<byte>(bytes, 64).Clear();
        *(nuint*)bytes = (nuint)size;
        bytes[40] = tail;
        Assert.That(PatchOptions.Check((FtracePatchOpts*)bytes, out _), Is.EqualTo(expected));
    }

    [TestCase(1, true)]
    [TestCase(64, true)]
    [TestCase(34, true)]
    [TestCase(0, false)]
    [TestCase(-1, false)]
    [TestCase(65, false)]
    [TestCase(9, false)]
    [TestCase(19, false)]
    [TestCase(32, false)]
    [TestCase(33, false)]
    public void SignalNumbersAreChecked(int signo, bool usable) =>
        Assert.That(SignalSet.IsUsable(signo), Is.EqualTo(usable));

    [Test]
    public void StructuresHaveTheSizesOfTheAbi()
    {
        Assert.That(sizeof(FtracePatch), Is.EqualTo(32));
        Assert.That(sizeof(FtracePatchOpts), Is.EqualTo(24));
        Assert.That(sizeof(FtraceStats), Is.EqualTo(18 * 8));
    }
}
