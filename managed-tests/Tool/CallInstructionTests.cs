using System;
using Ftrace.Tool.Attach;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What the call before a return address calls.</summary>
public sealed class CallInstructionTests
{
    private const ulong Return = 0x5000;
    private const ulong Libc = 0x7f00_1234_5678;

    [TestCase("9090e8fb0f0000", "", ExpectedResult = 0x5ffbul)] // a function
    [TestCase("9090e8fbefffff", "", ExpectedResult = 0x3ffbul)] // one before it
    [TestCase("9090e8000f0000", "ff25fa0f0000", ExpectedResult = Libc)] // a stub
    [TestCase("9090e8000f0000", "f3 0f1efa ff25f60f0000", ExpectedResult = Libc)]
    [TestCase("9090e8000f0000", "f3 0f1efa f2ff25f50f0000", ExpectedResult = Libc)]
    [TestCase("90ff15001f0000", "", ExpectedResult = Libc)] // through a word
    [TestCase("909090909090ffd0", "", ExpectedResult = 0ul)] // through a register
    [TestCase("90909090909090", "", ExpectedResult = 0ul)]
    public ulong Target(string call, string stub)
    {
        var memory = new Memory();
        byte[] before = Convert.FromHexString(call);
        memory.Put(Return - (ulong)before.Length, before);
        memory.Put(Return + 0xf00, Convert.FromHexString(stub.Replace(" ", "", StringComparison.Ordinal)));
        memory.Put(Return + 0x1f00, BitConverter.GetBytes(Libc));
        return CallInstruction.TargetOf(memory, Return);
    }

    [Test]
    public void NothingIsThere() => Assert.That(CallInstruction.TargetOf(new Memory(), 0), Is.Zero);

    /// <summary>Four pages; nothing is elsewhere.</summary>
    private sealed class Memory : ITargetMemory
    {
        private const ulong Start = 0x3000;

        private readonly byte[] _bytes = new byte[0x4000];

        public void Put(ulong address, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_bytes.AsSpan((int)(address - Start)));

        public bool TryRead(ulong address, Span<byte> bytes)
        {
            bool isThere = address >= Start && address - Start + (ulong)bytes.Length <= (ulong)_bytes.Length;
            if (isThere)
            {
                _bytes.AsSpan((int)(address - Start), bytes.Length).CopyTo(bytes);
            }

            return isThere;
        }
    }
}
