using System;
using System.Buffers.Binary;

namespace Ftrace.Tool.Attach;

/// <summary>What setcontext(3) restores a thread from: glibc's <c>ucontext_t</c>, <c>sysdeps/unix/sysv/linux/x86/sys/ucontext.h</c>.</summary>
internal static class UserContext
{
    /// <summary>Its size: it begins as the kernel's, then there are the x87 environment and shadow stacks.</summary>
    public const int Size = 968;

    private const int StateOffset = 424; // __fpregs_mem, after the mask of 128 bytes
    private const int VectorControlOffset = StateOffset + 24; // MXCSR

    /// <param name="context">Receives it.</param>
    /// <param name="registers">What the thread continues with, but rax, which is 0.</param>
    /// <param name="mask">The signals that it blocks then.</param>
    /// <param name="address">Where the context will be.</param>
    public static void Write(Span<byte> context, in Registers registers, ulong mask, ulong address)
    {
        context[..Size].Clear();
        SignalFrame.Write(context, registers, mask, address + StateOffset);

        // The environment of a thread that begins: control word, tags of empty registers, MXCSR.
        BinaryPrimitives.WriteUInt16LittleEndian(context[StateOffset..], 0x37f);
        BinaryPrimitives.WriteUInt16LittleEndian(context[(StateOffset + 8)..], 0xffff);
        BinaryPrimitives.WriteUInt32LittleEndian(context[VectorControlOffset..], 0x1f80);
    }
}
