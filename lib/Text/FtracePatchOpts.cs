using System.Runtime.InteropServices;

namespace Ftrace.Text;

/// <summary><c>struct ftrace_patch_opts</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FtracePatchOpts
{
    public nuint Size;
    public FtraceMethod Method;
    public uint TimeoutMs;
}
