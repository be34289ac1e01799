using System;
using System.Runtime.CompilerServices;
using Ftrace.Linux;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Patch;

/// <summary>
/// Calls from the middle of a function, which spare its red zone: the site jumps to a stub of its own, and Native/redzone.S calls.
/// </summary>
/// <remarks>
/// A thread may be in a stub long after its site has become a nop again, and nothing shows that it has left it. So a stub is never freed
/// or changed: it belongs to a site and a function for good, and is used again when they are.
/// </remarks>
internal static unsafe class RedZoneCall
{
    /// <summary>Replaces a nop with a jump to the stub. Called with the trace mutex held, which also protects the stubs.</summary>
    /// <returns>0 or -errno.</returns>
    public static int Make(ulong ip, ulong address)
    {
        var patch = new FtracePatch { Ip = ip, Len = X86Instruction.CallSize };
        if (!TryRead(ip, patch.OldCode))
        {
            return -Errno.EFAULT;
        }

        if (!X86Instruction.AreNops(new ReadOnlySpan<byte>(patch.OldCode, X86Instruction.CallSize)))
        {
            return -Errno.EINVAL;
        }

        int number = Find(ip, address);
        if (number == RedZoneText.Count)
        {
            return -Errno.ENOSPC;
        }

        if (!StubArea.Reserve())
        {
            return -Errno.ENOMEM;
        }

        StubArea* stubs = StubArea.FindOrCreate(StubKind.RedZone, ip, ip, out int error);
        if (stubs == null)
        {
            return error;
        }

        if (!X86Instruction.TryEncodeJump(ip, stubs->StubOf(number), new Span<byte>(patch.NewCode, X86Instruction.CallSize)))
        {
            return -Errno.ERANGE;
        }

        if (number == RedZoneText.Used)
        {
            RedZoneText.Add(new RedZoneSite { Target = address, Back = ip + X86Instruction.CallSize });
        }

        return Patcher.Patch(&patch, 1, PatchRequest.Default, OldCodeMatch.AnyNops);
    }

    /// <summary>True if a site jumps to its stub for a function. Takes no lock: the caller may have stopped whoever holds it.</summary>
    /// <param name="ip">The site.</param>
    /// <param name="address">The function.</param>
    /// <param name="code">Gets the jump.</param>
    public static bool IsAt(ulong ip, ulong address, byte* code)
    {
        int used = RedZoneText.Used;
        int number = Find(ip, address);
        return number < used && TryRead(ip, code) && *code == X86Instruction.JumpOpcode
            && StubArea.NumberOf(StubKind.RedZone, ip + X86Instruction.CallSize + (ulong)Unsafe.ReadUnaligned<int>(code + 1)) == number;
    }

    /// <summary>The number of a site's stub for a function; if there is none, that of the next one.</summary>
    private static int Find(ulong ip, ulong address)
    {
        int used = RedZoneText.Used;
        RedZoneSite* sites = RedZoneText.Sites;
        for (int i = 0; i < used; i++)
        {
            if (sites[i].Back == ip + X86Instruction.CallSize && sites[i].Target == address)
            {
                return i;
            }
        }

        return used;
    }

    /// <summary>Reads the bytes of a site, which may be anywhere.</summary>
    private static bool TryRead(ulong ip, byte* code)
    {
        if (!OwnMemory.CanRead(ip) || !OwnMemory.CanRead(ip + X86Instruction.CallSize - 1))
        {
            return false;
        }

        new ReadOnlySpan<byte>((void*)ip, X86Instruction.CallSize).CopyTo(new Span<byte>(code, X86Instruction.CallSize));
        return true;
    }
}
