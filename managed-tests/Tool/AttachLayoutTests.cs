using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Ftrace.Tool.Attach;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What ftrace attach writes on the stack of a borrowed thread.</summary>
public sealed class AttachLayoutTests
{
    private const ulong CallMask = ~SignalNumber.Synchronous;

    private static byte[] State(ulong components)
    {
        byte[] state = new byte[4096];
        BitConverter.TryWriteBytes(state.AsSpan(512), components);
        state[0] = 0x7f;
        return state;
    }

    private static CodeSequences Codes(params byte[] store)
    {
        var codes = new CodeSequences { SetContext = 0x5000, SystemCallFunction = 0x6000 };
        byte[] code = [0x90, 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05, 0x90, 0x0f, 0x05, 0xc3, 0x5f, 0xc3, .. store, 0xcc];
        codes.Search(code, 0x1000);
        return codes;
    }

    private static CallLayout Layout(ulong stack, CodeSequences codes, ulong components = 3) =>
        new(new Registers { Rsp = stack, Rip = 0x1234, Rax = 7, Rbx = 8, Cs = 0x33, Ss = 0x2b, Flags = 0x246 | 0x400 }, 0x10, State(components), codes, CallMask);

    private static ulong WordAt(ReadOnlySpan<byte> image, ulong at) => BitConverter.ToUInt64(image[(int)at..]);

    [TestCase(new byte[] { 0x48, 0x89, 0x03, 0x5b, 0xc3 }, false, 0, 1)] // mov %rax,(%rbx); pop; ret
    [TestCase(new byte[] { 0x48, 0x89, 0x43, 0x28, 0x5b, 0x5d, 0x41, 0x5c, 0xc3 }, false, 0x28, 3)]
    [TestCase(new byte[] { 0x48, 0x89, 0x45, 0xf8, 0x48, 0x83, 0xc4, 0x08, 0x5b, 0x5d, 0xc3 }, true, -8, 3)]
    [TestCase(new byte[] { 0x48, 0x89, 0x03, 0xc3 }, false, 0, 0)]
    public void StoreIsFound(byte[] code, bool usesRbp, int displacement, int words)
    {
        Assert.That(CodeSequences.TryParseStore(code, 0x1000, out StoreSequence found), Is.True);
        Assert.That(found.UsesRbp, Is.EqualTo(usesRbp));
        Assert.That(found.Displacement, Is.EqualTo(displacement));
        Assert.That(found.Words, Is.EqualTo(words));
        Assert.That(found.Return, Is.EqualTo(0x1000 + (ulong)code.Length - 1));
        Assert.That(found.RegisterFor(0x100) + (ulong)displacement, Is.EqualTo(0x100));
    }

    [TestCase(new byte[] { 0x48, 0x89, 0x03, 0x5b })] // ends too early
    [TestCase(new byte[] { 0x48, 0x89, 0x0b, 0xc3 })] // rcx
    [TestCase(new byte[] { 0x48, 0x89, 0x03, 0x90, 0xc3 })]
    [TestCase(new byte[] { 0x48, 0x89, 0x43 })]
    [TestCase(new byte[] { 0x48, 0x89, 0x03, 0x48, 0x83, 0xc4, 0x07, 0xc3 })] // half a word
    public void NoStore(byte[] code) => Assert.That(CodeSequences.TryParseStore(code, 0x1000, out _), Is.False);

    [Test]
    public void SequencesAreFound()
    {
        CodeSequences codes = Codes(0x48, 0x89, 0x03, 0x5b, 0xc3);
        Assert.That(codes.IsComplete, Is.True);
        Assert.That(codes.Restorer, Is.EqualTo(0x1001));
        Assert.That(codes.SystemCall, Is.EqualTo(0x100b));
        Assert.That(codes.PopRdi, Is.EqualTo(0x100e));
        Assert.That(codes.Store?.Address, Is.EqualTo(0x1010));
        Assert.That(Codes(0x90).IsComplete, Is.False);
    }

    /// <summary>Offsets of struct ucontext and struct sigcontext.</summary>
    [Test]
    public void FrameIsTheKernels()
    {
        byte[] frame = new byte[SignalFrame.Size];
        var registers = new Registers
        {
            R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15, Rdi = 1, Rsi = 2, Rbp = 3, Rbx = 4, Rdx = 5, Rax = 6, Rcx = 7,
            Rsp = 16, Rip = 17, Flags = 18, Cs = 0x33, Ss = 0x2b,
        };
        SignalFrame.Write(frame, registers, 0x1122, 0x3344);
        ulong[] words = [.. Enumerable.Range(0, SignalFrame.Size / 8).Select(i => BitConverter.ToUInt64(frame, 8 * i))];
        Assert.That(words[0], Is.EqualTo(7));
        Assert.That(words[5..23], Is.EqualTo(new ulong[] { 8, 9, 10, 11, 12, 13, 14, 15, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18 }));
        Assert.That(words[23], Is.EqualTo(0x002b_0000_0000_0033));
        Assert.That(words[28], Is.EqualTo(0x3344)); // fpstate
        Assert.That(words[37], Is.EqualTo(0x1122)); // uc_sigmask
        Assert.That(SignalFrame.MayBegin(words), Is.True);
        words[23] = 0x23;
        Assert.That(SignalFrame.MayBegin(words), Is.False, "another code segment");
    }

    [TestCase(3ul, 576)]
    [TestCase(7ul, 832)]
    public void ExtendedStateEndsWithTheLastComponent(ulong components, int size)
    {
        byte[] area = new byte[size + 4];
        Assert.That(ExtendedState.FrameBytes(State(components)), Is.EqualTo(size + 4));
        ExtendedState.WriteFrame(area, State(components));
        Assert.That(BitConverter.ToUInt32(area, 464), Is.EqualTo(0x46505853));
        Assert.That(BitConverter.ToUInt32(area, 468), Is.EqualTo(size + 4));
        Assert.That(BitConverter.ToUInt64(area, 472), Is.EqualTo(components));
        Assert.That(BitConverter.ToUInt32(area, 480), Is.EqualTo(size));
        Assert.That(BitConverter.ToUInt32(area, size), Is.EqualTo(0x46505845));
        Assert.That(area[0], Is.EqualTo(0x7f));
    }

    private static IEnumerable<byte[]> Stores()
    {
        yield return [0x48, 0x89, 0x03, 0xc3];
        yield return [0x48, 0x89, 0x03, 0x5b, 0xc3];
        yield return [0x48, 0x89, 0x43, 0x28, 0x5b, 0x5d, 0xc3];
    }

    /// <summary>Follows the words that a function returns through, as the processor does.</summary>
    [Test]
    public void ACallReturnsThroughTheFrames([ValueSource(nameof(Stores))] byte[] store, [Range(0, 72, 8)] int shift, [Values] bool withErrno)
    {
        ulong stack = 0x7ffc_0000_0000 + (ulong)shift;
        CodeSequences codes = Codes(store);
        CallLayout layout = Layout(stack, codes);
        if (withErrno)
        {
            layout.SetErrno(0x9000, 99);
        }

        layout.SetCall(17, 18, SignalNumber.Urg);
        ReadOnlySpan<byte> image = layout.Image;
        ulong entry = layout.Entry;
        Assert.That((entry + 8) % 16, Is.EqualTo(0), "alignment at the entry of a function");
        Assert.That(entry + (ulong)image.Length, Is.LessThanOrEqualTo(stack - 128), "the red zone");

        StoreSequence found = codes.Store!.Value;
        ulong at = 0;
        Assert.That(WordAt(image, at), Is.EqualTo(found.Address));
        at += 8 + 8 * (ulong)found.Words;
        Assert.That(WordAt(image, at), Is.EqualTo(codes.PopRdi));
        Assert.That(WordAt(image, at + 8), Is.EqualTo(layout.Context));
        Assert.That(WordAt(image, at + 16), Is.EqualTo(codes.SetContext));

        ulong context = layout.Context - entry;
        Assert.That(WordAt(image, context + 40 + 16 * 8), Is.EqualTo(codes.SystemCallFunction));
        Assert.That(WordAt(image, context + 40 + 8 * 8), Is.EqualTo(234)); // rdi
        Assert.That(WordAt(image, context + 296), Is.EqualTo(CallMask & ~(1ul << 22)), "only that signal is not blocked");
        ulong pointer = WordAt(image, context + 40 + 15 * 8);
        Assert.That(pointer, Is.EqualTo(layout.StopPointer));

        ulong frame = pointer - entry;
        Assert.That(WordAt(image, frame), Is.EqualTo(codes.Restorer));
        if (withErrno)
        {
            Assert.That(WordAt(image, frame + 8 + 40 + 16 * 8), Is.EqualTo(found.ShortAddress));
            Assert.That(WordAt(image, frame + 8 + 40 + 13 * 8), Is.EqualTo(99)); // rax
            Assert.That(WordAt(image, frame + 8 + 40 + 17 * 8) & 0x400, Is.EqualTo(0), "the direction flag");
            frame = WordAt(image, frame + 8 + 40 + 15 * 8) - entry + 8 * (ulong)found.Words;
            Assert.That(WordAt(image, frame), Is.EqualTo(codes.Restorer));
        }

        frame += 8;
        Assert.That(WordAt(image, frame + 40 + 15 * 8), Is.EqualTo(stack));
        Assert.That(WordAt(image, frame + 40 + 16 * 8), Is.EqualTo(0x1234));
        Assert.That(WordAt(image, frame + 40 + 13 * 8), Is.EqualTo(7));
        Assert.That(WordAt(image, frame + 40 + 17 * 8) & 0x400, Is.Not.EqualTo(0), "the flags are its own");
        Assert.That(WordAt(image, frame + 296), Is.EqualTo(0x10));
        ulong extended = WordAt(image, frame + 40 + 23 * 8);
        Assert.That(extended % 64, Is.EqualTo(0));
        Assert.That(WordAt(image, extended - entry + 464) & 0xffffffff, Is.EqualTo(0x46505853));
    }

    [TestCase(-4L, true)]
    [TestCase(-512L, true)]
    [TestCase(-513L, true)]
    [TestCase(-514L, true)]
    [TestCase(-516L, true)]
    [TestCase(-11L, false)]
    [TestCase(0L, false)]
    public void InterruptedCallsAreMadeAgain(long result, bool isRepeated)
    {
        var stopped = new Registers { OrigRax = 7, Rax = (ulong)result, Rip = 0x1002 };
        Registers registers = CallLayout.Restarted(stopped);
        Assert.That(registers.Rip, Is.EqualTo(isRepeated ? 0x1000 : 0x1002));
        Assert.That((long)registers.Rax, Is.EqualTo(isRepeated ? 7 : result));
        stopped.OrigRax = -1;
        Assert.That(CallLayout.Restarted(stopped).Rip, Is.EqualTo(0x1002), "in no call");
    }

    /// <summary>The process of this test has libc: what is called in it is found by memory alone.</summary>
    [Test]
    public void LibcOfThisProcess()
    {
        using var process = new TargetProcess(Environment.ProcessId);
        TargetMaps maps = process.ReadMaps();
        ulong loader = TargetChecks.CheckAuxiliaryVector(process, process.ReadAuxiliaryVector());
        var libc = new TargetLibc(process, maps, TargetChecks.CheckLibraries(process, maps, loader, out _));
        nint handle = NativeLibrary.Load("libc.so.6");
        Assert.That(libc.ErrnoLocation, Is.EqualTo((ulong)NativeLibrary.GetExport(handle, "__errno_location")));
        Assert.That(libc.Codes.SetContext, Is.EqualTo((ulong)NativeLibrary.GetExport(handle, "setcontext")));
        Assert.That(libc.Open, Is.Not.EqualTo(0));
    }
}
