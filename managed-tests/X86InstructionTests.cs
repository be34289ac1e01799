using System;
using Ftrace.X86;
using Iced.Intel;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>What the library encodes and decodes by hand, against a disassembler.</summary>
public sealed class X86InstructionTests
{
    private const ulong Ip = 0x5555_5555_0000;

    private static Instruction Decode(ReadOnlySpan<byte> code, ulong ip = Ip)
    {
        var decoder = Iced.Intel.Decoder.Create(64, new ByteArrayCodeReader(code.ToArray()));
        decoder.IP = ip;
        return decoder.Decode();
    }

    [TestCase(0x5555_5555_1234ul)]
    [TestCase(Ip)]
    [TestCase(Ip + 5 + int.MaxValue)]
    [TestCase(Ip + 5 - 0x8000_0000ul)]
    public void CallIsDecodedAsCallOfItsTarget(ulong target)
    {
        Span<byte> code = stackalloc byte[8];
        Assert.That(X86Instruction.TryEncodeCall(Ip, target, code), Is.True);

        Instruction decoded = Decode(code[..X86Instruction.CallSize]);
        Assert.That(decoded.Code, Is.EqualTo(Code.Call_rel32_64));
        Assert.That(decoded.NearBranchTarget, Is.EqualTo(target));
        Assert.That(decoded.Length, Is.EqualTo(X86Instruction.CallSize));
    }

    [TestCase(Ip + 5 + int.MaxValue + 1)]
    [TestCase(Ip + 5 - 0x8000_0001ul)]
    [TestCase(0ul)]
    [TestCase(0x7fff_ffff_ffff_fffful)]
    [TestCase(ulong.MaxValue)]
    public void CallOutOfReachIsRefusedAndWritesNothing(ulong target)
    {
        Span<byte> code = stackalloc byte[5];
        code.Fill(0xcc);
        Assert.That(X86Instruction.TryEncodeCall(Ip, target, code), Is.False);
        Assert.That(code.ToArray(), Is.All.EqualTo(0xcc));
    }

    [Test]
    public void CallWrapsAroundAddressSpaceOnlyWithinReach()
    {
        Span<byte> code = stackalloc byte[5];
        Assert.That(X86Instruction.TryEncodeCall(0x1000, ulong.MaxValue - 0xfff, code), Is.True);
        Assert.That(Decode(code, 0x1000).NearBranchTarget, Is.EqualTo(ulong.MaxValue - 0xfff));
    }

    /// <summary>Every form of a near call, with and without REX, each after other bytes.</summary>
    [Test]
    public void EveryFormOfACallIsRecognizedAtItsEnd()
    {
        int forms = 0;
        foreach (int rex in new[] { 0, 0x41 })
        {
            for (int form = 0; form < 0x10000; form++)
            {
                int modrm = form >> 8;
                byte[] rest = [0xff, (byte)modrm, (byte)form, 1, 2, 3, 4];
                byte[] code = rex != 0 ? [(byte)rex, .. rest] : rest;
                Instruction decoded = Decode(code);
                if (decoded.Mnemonic == Mnemonic.Call && !decoded.IsCallFarIndirect)
                {
                    byte[] text = [0x90, 0x90, 0x90, .. code.AsSpan(0, decoded.Length)];
                    Assert.That(X86Instruction.MayEndWithCall(text.AsSpan(Math.Max(0, text.Length - X86Instruction.LongestCall))), Is.True, decoded.ToString());
                    forms++;
                }
            }
        }

        Assert.That(forms, Is.GreaterThan(2 * 32 * 200));
        Assert.That(X86Instruction.MayEndWithCall([0x90, 0x90, 0xe8, 1, 2, 3, 4]), Is.True);
        Assert.That(X86Instruction.MayEndWithCall([0xe8, 1, 2, 3, 4]), Is.True);
    }

    [Test]
    public void OtherCodeDoesNotEndWithCall()
    {
        Assert.That(X86Instruction.MayEndWithCall([]), Is.False);
        Assert.That(X86Instruction.MayEndWithCall([0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3]), Is.False);
        Assert.That(X86Instruction.MayEndWithCall([0x90, 0xe9, 1, 2, 3, 4]), Is.False);
        Assert.That(X86Instruction.MayEndWithCall([0xff, 0xe0]), Is.False); // jmp *%rax
        Assert.That(X86Instruction.MayEndWithCall([0xe8, 1, 2, 3]), Is.False);
    }

    [Test]
    public void Nop5IsOneInstruction()
    {
        Instruction decoded = Decode(X86Instruction.Nop5);
        Assert.That(decoded.Mnemonic, Is.EqualTo(Mnemonic.Nop));
        Assert.That(decoded.Length, Is.EqualTo(5));
    }

    [TestCase("90", 1)]
    [TestCase("6690", 2)]
    [TestCase("0f1f00", 3)]
    [TestCase("0f1f4000", 4)]
    [TestCase("0f1f440000", 5)]
    [TestCase("0f1f440008", 5)]
    [TestCase("660f1f440000", 6)]
    [TestCase("0f1f8000000000", 7)]
    [TestCase("0f1f840000000000", 8)]
    [TestCase("660f1f840000000000", 9)]
    [TestCase("662e0f1f840000000000", 10)]
    [TestCase("0f1fc0", 3)]
    [TestCase("0f1f0500000000", 7)]
    [TestCase("0f1f042500000000", 8)]
    [TestCase("666666666666666666666666666690", 15)]
    public void NopHasTheLengthThatTheDisassemblerSees(string hex, int length)
    {
        byte[] code = Convert.FromHexString(hex);
        Instruction decoded = Decode(code);
        Assert.That(decoded.Mnemonic, Is.EqualTo(Mnemonic.Nop));
        Assert.That(decoded.Length, Is.EqualTo(length));
        Assert.That(X86Instruction.NopLength(code), Is.EqualTo(length));
        Assert.That(X86Instruction.AreNops(code), Is.True);
    }

    [TestCase("")]
    [TestCase("66")]
    [TestCase("0f")]
    [TestCase("0f1f")]
    [TestCase("0f1f44")]
    [TestCase("0f1f4400")]
    [TestCase("0f1f80000000")]
    [TestCase("0f1f04")]
    [TestCase("0f1f48")]
    [TestCase("0f0b")]
    [TestCase("e800000000")]
    [TestCase("cc")]
    [TestCase("f390")]
    [TestCase("66666666666666666666666666666690")] // 16 bytes: none that a CPU accepts
    [TestCase("6666666666666666660f1f840000000000")]
    public void WhatIsNoWholeNopHasNoLength(string hex) =>
        Assert.That(X86Instruction.NopLength(Convert.FromHexString(hex)), Is.Zero);

    [TestCase("9090909090", true)]
    [TestCase("0f1f00" + "6690", true)]
    [TestCase("0f1f00" + "90c3", false)]
    [TestCase("0f1f440000" + "0f1f00", true)]
    [TestCase("90" + "0f1f4400", false)]
    public void SequenceOfNopsMustEndWithTheLastByte(string hex, bool nops) =>
        Assert.That(X86Instruction.AreNops(Convert.FromHexString(hex)), Is.EqualTo(nops));

    [Test]
    public void EveryNopAgreesWithTheDisassembler()
    {
        // All forms of 0f 1f with up to two prefixes: wherever we see a nop, it is one of that length.
        byte[] prefixes = [0x66, 0x2e];
        Span<byte> code = stackalloc byte[12];
        for (int prefix = 0; prefix < 4; prefix++)
        {
            for (int modrm = 0; modrm < 256; modrm++)
            {
                for (int sib = 0; sib < 256; sib++)
                {
                    code.Clear();
                    int at = 0;
                    for (int bit = 0; bit < 2; bit++)
                    {
                        if ((prefix >> bit & 1) != 0)
                        {
                            code[at++] = prefixes[bit];
                        }
                    }

                    code[at] = 0x0f;
                    code[at + 1] = 0x1f;
                    code[at + 2] = (byte)modrm;
                    code[at + 3] = (byte)sib;
                    int length = X86Instruction.NopLength(code);
                    if ((modrm >> 3 & 7) != 0)
                    {
                        Assert.That(length, Is.Zero);
                        continue;
                    }

                    Instruction decoded = Decode(code);
                    Assert.That(length, Is.EqualTo(decoded.Length), $"{Convert.ToHexString(code)}");
                    Assert.That(decoded.Mnemonic, Is.EqualTo(Mnemonic.Nop));
                }
            }
        }
    }
}
