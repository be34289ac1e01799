using System.Runtime.InteropServices;

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
}
