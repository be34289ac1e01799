using System.Runtime.InteropServices;
using Ftrace.Protocol;

namespace Ftrace.Text;

/// <summary><c>struct ftrace_patch</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtracePatch
{
    public ulong Ip;
    public fixed byte OldCode[X86.X86Instruction.MaxPatch];
    public fixed byte NewCode[X86.X86Instruction.MaxPatch];
    public uint Len;
    public int Error;

    /// <summary>Where the code is in the structure: for loops, which decide it once.</summary>
    [NoInstr]
    public static int OffsetOf(PatchCode code) => sizeof(ulong) + (code == PatchCode.Old ? 0 : X86.X86Instruction.MaxPatch);
}
