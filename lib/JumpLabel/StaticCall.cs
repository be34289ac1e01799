using System;
using System.Buffers.Binary;
using Ftrace.Linux;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.JumpLabel;

/// <summary>Static calls: direct calls whose target can be changed. The kernel's kernel/static_call.c, the out-of-line kind.</summary>
/// <remarks>
/// A trampoline, defined by ftrace/static_key.h; without a function it jumps to its own second part:
/// <code>
/// e9 rel32  cc cc cc                             jmp    function
/// 31 c0  31 d2  0f 57 c0  c3                     return 0
/// rel32                                          the displacement of the jump at the start
/// </code>
/// </remarks>
internal static unsafe class StaticCall
{
    private const ulong NothingOffset = 8;
    private const ulong DisplacementOffset = 16;

    /// <summary>Changes the function; 0: none. Called with the trace mutex held.</summary>
    public static int Update(FtraceStaticCallKey* key, ulong function)
    {
        ulong ip = (ulong)key->Trampoline;
        var patch = new FtracePatch { Ip = ip, Len = X86Instruction.CallSize };
        var wanted = new Span<byte>(patch.NewCode, X86Instruction.CallSize);
        if (!X86Instruction.TryEncodeJump(ip, function != 0 ? function : ip + NothingOffset, wanted))
        {
            return -Errno.ERANGE;
        }

        int displacement = key->Changed != 0 ? key->Displacement : *(int*)(ip + DisplacementOffset);
        X86Instruction.EncodeJump(displacement, new Span<byte>(patch.OldCode, X86Instruction.CallSize));
        int error = Patcher.Patch(&patch, 1, PatchRequest.Default);
        if (error == 0)
        {
            key->Displacement = BinaryPrimitives.ReadInt32LittleEndian(wanted[1..]);
            key->Changed = 1;
        }
        else if (patch.Error == -Errno.EINVAL)
        {
            var process = default(ProcessView);
            Report.OtherCode("a static call"u8, &patch, ref process);
            process.Close();
        }

        return error;
    }
}
