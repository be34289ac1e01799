using System.Globalization;
using System.Text;
using Ftrace.Linux;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>What /proc/.../syscall may hold, and what that says about the mask.</summary>
public sealed unsafe class WaitingCallTests
{
    [OneTimeSetUp]
    public void Attach() => SystemCalls.Attach(&Syscall);

    [OneTimeTearDown]
    public void Detach() => SystemCalls.Detach();

    /// <summary>Reads memory of this process, the first page excepted.</summary>
    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f)
    {
        const ulong FirstPage = 4096;

        var local = (Iovec*)b;
        var remote = (Iovec*)d;
        if (number != (nint)SyscallNumber.ProcessVmReadv)
        {
            return 0;
        }

        if (remote->Base < FirstPage)
        {
            return -Errno.EFAULT;
        }

        *(ulong*)local->Base = *(ulong*)remote->Base;
        return sizeof(ulong);
    }

    /// <summary>A call with an argument of each kind that matters: the flags of io_uring, and one other.</summary>
    private static bool MayHide(int number, ulong flags, int argument, ulong value)
    {
        const int Flags = 3;

        var text = new StringBuilder().Append(number);
        for (int i = 0; i < 6; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $" 0x{(i == argument ? value : i == Flags ? flags : 0):x}");
        }

        text.Append(" 0x7f40b92fecd0 0x7f40bd407366\n");
        Assert.That(WaitingCall.TryParse(Encoding.ASCII.GetBytes(text.ToString()), out WaitingCall call));
        return call.MayHide(SignalSet.Sigtrap);
    }

    [TestCase("running\n", true)]
    [TestCase("-1 0x7ffc11111110 0x7f1111111111\n", false)]
    [TestCase("202 0x1 0x80 0x0 0x0 0x0 0xffffffffffffffff 0x7f1111111110 0x7f1111111111\n", false)]
    [TestCase("7 0x1 0x2 0xffffffff 0x7f40bd3198d0 0x0 0x7ffeb246f5c7 0x7f40b82fccf0 0x7f40bd40726f\n", false)]
    [TestCase("232 0xd 0x7f40b8afdd24 0x1 0xffffffff 0x1 0x1 0x1 0x1\n", false)]
    public void OtherCallsHideNothing(string text, bool running)
    {
        Assert.That(WaitingCall.TryParse(Encoding.ASCII.GetBytes(text), out WaitingCall call));
        Assert.That((call.IsRunning, call.MayHide(SignalSet.Sigtrap)), Is.EqualTo((running, false)));
    }

    [TestCase("")]
    [TestCase("\n")]
    [TestCase("run")]
    [TestCase("0x1")]
    [TestCase("271")]
    [TestCase("271 0x0 0x0 0x0")]
    [TestCase("271 0x0 0x0 0x0 0x0 0x0")]
    [TestCase("271 1 2 3 4 5 6")]
    [TestCase("271 0x 0x 0x 0x 0x 0x")]
    public void OtherTextIsRefused(string text) =>
        Assert.That(WaitingCall.TryParse(Encoding.ASCII.GetBytes(text), out _), Is.False);

    /// <summary>A mask, by the number of the argument that points to it; null: replaces none.</summary>
    [TestCase(271, 3)]
    [TestCase(281, 4)]
    [TestCase(441, 4)]
    [TestCase(426, 4)]
    public void MaskOfTheWait(int number, int argument)
    {
        Assert.That(MayHide(number, 0, argument, 0x1000));
        Assert.That(MayHide(number, 0, argument, 0), Is.False);
    }

    /// <summary>A structure that begins with the address of a mask. What cannot be read may be anything.</summary>
    [TestCase(270, 5)]
    [TestCase(333, 5)]
    [TestCase(426, 4)]
    public void MaskBehindAStructure(int number, int argument)
    {
        ulong* structure = stackalloc ulong[2];
        structure[1] = 8;
        structure[0] = 0x1000;
        Assert.That(MayHide(number, 8, argument, (ulong)structure));
        structure[0] = 0;
        Assert.That(MayHide(number, 8, argument, (ulong)structure), Is.False);
        Assert.That(MayHide(number, 8, argument, 8));
        Assert.That(MayHide(number, 8, argument, 0), Is.False);
        Assert.That(MayHide(number, 8 | 64, argument, 0), Is.EqualTo(number == 426)); // it is an offset
    }

    [Test]
    public void SignalsThatAreWaitedFor()
    {
        ulong set = SignalSet.Of(SignalSet.Sigtrap);
        Assert.That(MayHide(128, 8, 0, (ulong)(&set)));
        set = ~set;
        Assert.That(MayHide(128, 8, 0, (ulong)(&set)), Is.False);
        Assert.That(MayHide(128, 8, 0, 8));
        Assert.That(MayHide(130, 8, 0, 0));
    }
}
