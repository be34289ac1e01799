using System.Runtime.InteropServices;

namespace Ftrace.JumpLabel;

/// <summary><c>struct ftrace_static_call_key</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceStaticCallKey
{
    public void* Trampoline;
    public int Displacement;
    public int Changed;
}
