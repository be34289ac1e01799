using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.X86;
using Iced.Intel;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Instructions that are executed in place of a breakpoint, against a disassembler.</summary>
public sealed unsafe class X86EmulatorTests
{
    private const int ContextSize = 1024;
    private const ulong Ip = 0x5555_5555_0000;

    private readonly ulong _context = (ulong)NativeMemory.AllocZeroed(ContextSize);
    private readonly ulong* _stack = (ulong*)NativeMemory.AllocZeroed(64);

    [OneTimeTearDown]
    public void Free()
    {
        NativeMemory.Free((void*)_context);
        NativeMemory.Free(_stack);
    }

    private static Instruction Decode(byte[] code)
    {
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(code));
        decoder.IP = Ip;
        return decoder.Decode();
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static bool CanExecute(byte[] code)
    {
        fixed (byte* bytes = code)
        {
            return X86Emulator.CanExecute(bytes, (uint)code.Length);
        }
    }

    private static bool CanReplace(byte[] code)
    {
        fixed (byte* bytes = code)
        {
            return X86Emulator.CanReplace(bytes, (uint)code.Length);
        }
    }

    /// <summary>Registers by number, with the instruction pointer after a breakpoint at <see cref="Ip"/>.</summary>
    private void Execute(byte[] code)
    {
        for (int number = 0; number < 8; number++)
        {
            *Ucontext.Register(_context, number) = 0xaaaa_aaaa_0000_0000 + (ulong)number;
        }

        _stack[2] = 0x1234_5678_9abc;
        *Ucontext.Rsp(_context) = (ulong)(_stack + 2);
        *Ucontext.Rip(_context) = Ip + 1;
        fixed (byte* bytes = code)
        {
            X86Emulator.Execute(Ip, bytes, (uint)code.Length, _context);
        }
    }

    [TestCase("90")]
    [TestCase("66 90")]
    [TestCase("0f 1f 00")]
    [TestCase("0f 1f 40 00")]
    [TestCase("0f 1f 44 00 00")]
    [TestCase("0f 1f 44 00 08")]
    [TestCase("66 0f 1f 44 00 00")]
    [TestCase("0f 1f 80 00 00 00 00")]
    [TestCase("0f 1f 84 00 00 00 00 00")]
    public void NopIsPassedOver(string hex)
    {
        byte[] code = Bytes(hex);
        Assert.That(CanExecute(code) && CanReplace(code));
        Execute(code);
        Assert.That(*Ucontext.Rip(_context), Is.EqualTo(Ip + (ulong)code.Length));
        Assert.That(*Ucontext.Rsp(_context), Is.EqualTo((ulong)(_stack + 2)));
    }

    [TestCase("e8 78 56 34 12")]
    [TestCase("e8 ff ff ff ff")]
    [TestCase("e8 00 00 00 80")]
    public void CallPushesWhereItReturnsTo(string hex)
    {
        byte[] code = Bytes(hex);
        Assert.That(CanExecute(code) && CanReplace(code));
        Execute(code);
        Assert.That(*Ucontext.Rip(_context), Is.EqualTo(Decode(code).NearBranchTarget));
        Assert.That(*Ucontext.Rsp(_context), Is.EqualTo((ulong)(_stack + 1)));
        Assert.That(_stack[1], Is.EqualTo(Ip + 5));
    }

    [TestCase("e9 78 56 34 12")]
    [TestCase("e9 fb ff ff ff")]
    [TestCase("eb 7f")]
    [TestCase("eb 80")]
    [TestCase("eb fe")]
    public void JumpGoesToItsTarget(string hex)
    {
        byte[] code = Bytes(hex);
        Assert.That(CanExecute(code) && CanReplace(code));
        Execute(code);
        Assert.That(*Ucontext.Rip(_context), Is.EqualTo(Decode(code).NearBranchTarget));
        Assert.That(*Ucontext.Rsp(_context), Is.EqualTo((ulong)(_stack + 2)));
    }

    [Test]
    public void RetTakesItsTargetFromTheStack()
    {
        Assert.That(CanExecute([0xc3]) && CanReplace([0xc3]));
        Execute([0xc3]);
        Assert.That(*Ucontext.Rip(_context), Is.EqualTo(0x1234_5678_9abc));
        Assert.That(*Ucontext.Rsp(_context), Is.EqualTo((ulong)(_stack + 3)));
    }

    [Test]
    public void MovClearsTheUpperHalf([Range(0, 7)] int number)
    {
        byte[] code = [(byte)(0xb8 + number), 0x78, 0x56, 0x34, 0xf2];
        Assert.That(CanExecute(code) && CanReplace(code));
        Execute(code);
        Assert.That(*Ucontext.Rip(_context), Is.EqualTo(Ip + 5));
        for (int other = 0; other < 8; other++)
        {
            ulong expected = other == number ? 0xf234_5678 : other == 4 ? (ulong)(_stack + 2) : 0xaaaa_aaaa_0000_0000 + (ulong)other;
            Assert.That(*Ucontext.Register(_context, other), Is.EqualTo(expected), $"register {other}");
        }
    }

    /// <summary>Whatever is taken for one instruction of ours is one, and of that length.</summary>
    [Test]
    public void AgreesWithADisassembler()
    {
        var random = new Random(1);
        byte[] first = [0x90, 0x66, 0x2e, 0x0f, 0xc3, 0xe8, 0xe9, 0xeb, 0xb8, 0xbf, 0xcc, 0xf3, 0x41];
        int accepted = 0;
        for (int round = 0; round < 300_000; round++)
        {
            byte[] code = new byte[random.Next(1, 9)];
            random.NextBytes(code);
            code[0] = first[random.Next(first.Length)];
            if (code.Length > 2 && code[0] is 0x0f or 0x66 && random.Next(2) == 0)
            {
                code[1] = code[0] == 0x0f ? (byte)0x1f : (byte)0x0f;
                code[2] = code[0] == 0x0f ? code[2] : (byte)0x1f;
            }

            if (!CanReplace(code))
            {
                continue;
            }

            Instruction decoded = Decode(code);
            accepted++;
            Assert.That(CanExecute(code));
            Assert.That(decoded.Mnemonic, Is.AnyOf(Mnemonic.Nop, Mnemonic.Ret, Mnemonic.Call, Mnemonic.Jmp, Mnemonic.Mov), Convert.ToHexString(code));
            if (decoded.Length != code.Length)
            {
                Assert.That(decoded.Mnemonic, Is.AnyOf(Mnemonic.Ret, Mnemonic.Jmp), Convert.ToHexString(code));
                Assert.That(code[decoded.Length..], Is.All.EqualTo(0xcc));
            }
        }

        Assert.That(accepted, Is.GreaterThan(1000));
    }

    [TestCase("90 90 90 90 90", true, false)] // a thread may stand between them
    [TestCase("66 90 0f 1f 00", true, false)]
    [TestCase("c3 cc cc cc cc", true, true)]
    [TestCase("c3 90 90 90 90", true, false)] // somebody may jump there
    [TestCase("eb 03 00 00 00", true, false)]
    [TestCase("e8 00 00 00 00 90", false, false)] // the call comes back to bytes that may not be there yet
    [TestCase("0f 1f 00 c3", false, false)]
    [TestCase("35 11 22 33 44", false, false)]
    [TestCase("e8 00 00 00", false, false)]
    [TestCase("f3 90", false, false)]
    [TestCase("cc", false, false)]
    [TestCase("41 b8 00 00 00 00", false, false)]
    public void SuitsAsNewAndAsOldCode(string hex, bool canExecute, bool canReplace)
    {
        byte[] code = Bytes(hex);
        Assert.That(CanExecute(code), Is.EqualTo(canExecute));
        Assert.That(CanReplace(code), Is.EqualTo(canReplace));
    }
}
