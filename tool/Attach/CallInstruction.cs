using System;

namespace Ftrace.Tool.Attach;

/// <summary>The call before a return address.</summary>
internal static class CallInstruction
{
    private const int LongestStub = 11; // endbr64; bnd jmp *offset(%rip)

    /// <summary>What it calls: <c>call rel32</c>, perhaps of a stub that jumps to where a word says, or <c>call *offset(%rip)</c>.</summary>
    /// <returns>0: there is none, or it calls through a register.</returns>
    public static ulong TargetOf(ITargetMemory memory, ulong returnAddress)
    {
        Span<byte> call = stackalloc byte[6];
        if (!memory.TryRead(returnAddress - (ulong)call.Length, call))
        {
            return 0;
        }

        ulong target = returnAddress + (ulong)(long)BitConverter.ToInt32(call[2..]);
        if (call[0] == 0xff && call[1] == 0x15)
        {
            return memory.TryRead(target, out ulong slot) ? slot : 0;
        }

        return call[1] == 0xe8 ? Follow(memory, target) : 0;
    }

    private static ulong Follow(ITargetMemory memory, ulong address)
    {
        Span<byte> stub = stackalloc byte[LongestStub];
        if (!memory.TryRead(address, stub))
        {
            return address;
        }

        int at = stub.StartsWith((ReadOnlySpan<byte>)[0xf3, 0x0f, 0x1e, 0xfa]) ? 4 : 0;
        at += stub[at] == 0xf2 ? 1 : 0;
        bool isJump = stub[at] == 0xff && stub[at + 1] == 0x25;
        ulong slot = address + (ulong)at + 6 + (ulong)(long)BitConverter.ToInt32(stub[(at + 2)..]);
        return isJump && memory.TryRead(slot, out ulong target) ? target : address;
    }
}
