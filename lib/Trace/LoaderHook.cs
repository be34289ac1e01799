using System;
using Ftrace.Linux;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// The hook in the loader, by which objects are noticed while they are opened: see Native/agent.c. Called with the trace mutex and the
/// loader's lock held.
/// </summary>
/// <remarks>
/// The function that the loader calls is empty: ret, and what the linker fills the line of 16 bytes up with. No thread can be after the ret, so
/// the five bytes become a jump as any location of one instruction does. If anything else is there, such as the breakpoint of a debugger, it
/// is left alone: objects are then found by the next call of the library.
/// </remarks>
internal static unsafe class LoaderHook
{
    private const byte Return = 0xc3;
    private const ulong Line = 16;

    private static ReadOnlySpan<byte> Endbr64 => [0xf3, 0x0f, 0x1e, 0xfa];

    /// <summary>Where the jump is; 0: there is none.</summary>
    private static ulong s_ip;

    /// <summary>The bytes that were there, and the jump.</summary>
    private static ulong s_original;
    private static ulong s_jump;

    public static bool IsSet => s_ip != 0;

    /// <summary>Sets or removes the hook.</summary>
    /// <returns>0 or -errno: then it is as it was.</returns>
    public static int Set(bool wanted, PatchRequest request)
    {
        if (wanted == IsSet)
        {
            return 0;
        }

        return wanted ? Install(request) : Remove(request);
    }

    /// <returns>-ENOENT if the function is not as expected; or an error of <see cref="StubArea.FindOrCreate"/> or of the patcher.</returns>
    private static int Install(PatchRequest request)
    {
        ulong ip = Native.Table->LoaderBreak();
        if (ip == 0 || !TryFindReturn(ref ip))
        {
            return -Errno.ENOENT;
        }

        FtracePatch patch = new() { Ip = ip, Len = X86Instruction.CallSize };
        CallBytes.Copy((byte*)ip, patch.OldCode);
        ulong original = 0;
        CallBytes.Copy((byte*)ip, (byte*)&original);
        int error = Encode(ip, patch.NewCode);
        error = error != 0 ? error : Patcher.Patch(&patch, 1, request);
        if (error == 0)
        {
            s_original = original;
            fixed (ulong* jump = &s_jump)
            {
                CallBytes.Copy(patch.NewCode, (byte*)jump);
            }

            s_ip = ip;
        }

        return error;
    }

    /// <summary>Encodes the jump, by a stub near the loader if the library is out of reach.</summary>
    private static int Encode(ulong ip, byte* code)
    {
        var jump = new Span<byte>(code, X86Instruction.CallSize);
        if (X86Instruction.TryEncodeJump(ip, (ulong)Native.Table->LoaderHook, jump))
        {
            return 0;
        }

        StubArea* stubs = StubArea.FindOrCreate(StubKind.Loader, ip, ip, out int error);
        if (stubs == null)
        {
            return error;
        }

        return X86Instruction.TryEncodeJump(ip, stubs->StubOf(0), jump) ? 0 : -Errno.ERANGE;
    }

    private static int Remove(PatchRequest request)
    {
        FtracePatch patch = new() { Ip = s_ip, Len = X86Instruction.CallSize };
        ulong original = s_original;
        ulong jump = s_jump;
        CallBytes.Copy((byte*)&jump, patch.OldCode);
        CallBytes.Copy((byte*)&original, patch.NewCode);
        if (!CallBytes.AreSame((byte*)s_ip, patch.OldCode))
        {
            return -Errno.EINVAL; // a debugger's breakpoint is there; it goes back to the jump, which does nothing by then
        }

        int error = Patcher.Patch(&patch, 1, request);
        s_ip = error == 0 ? 0 : s_ip;
        return error;
    }

    /// <summary>Finds the ret, after endbr64 or not, that has room for a jump: the four bytes after it are padding in the same line.</summary>
    private static bool TryFindReturn(ref ulong ip)
    {
        ip += new ReadOnlySpan<byte>((byte*)ip, X86Instruction.EndbrSize).SequenceEqual(Endbr64) ? (ulong)X86Instruction.EndbrSize : 0;
        int room = (int)(Line - 1 - ip % Line);
        return *(byte*)ip == Return && room >= X86Instruction.CallSize - 1 && IsPadding(new ReadOnlySpan<byte>((byte*)ip + 1, room));
    }

    private static bool IsPadding(ReadOnlySpan<byte> code)
    {
        const byte Int3 = X86Instruction.Int3;
        return code.IndexOfAnyExcept(Int3) < 0 || X86Instruction.AreNops(code);
    }
}
