using System.Runtime.InteropServices;
using Ftrace.Patch;
using Ftrace.Text;

namespace Ftrace.Exports;

/// <summary><c>struct ftrace_patch_opts</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FtracePatchOpts
{
    /// <summary>The size in the first version: up to and including <see cref="TimeoutMs"/>.</summary>
    public const int FirstSize = 16;

    public nuint Size;
    public FtraceMethod Method;
    public uint TimeoutMs;
    public FtraceWriter Writer;
    public uint Flags;
}
