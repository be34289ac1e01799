using System.Runtime.InteropServices;

namespace Ftrace.Objects;

/// <summary><c>struct ftrace_static_key</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceStaticKey
{
    public int Enabled;
    public int Reserved;
    public FtraceStaticKey* Origin;
}
