using System.Runtime.InteropServices;

namespace Ftrace.Objects;

/// <summary><c>struct ftrace_static_key</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceStaticKey
{
    public int Enabled;

    /// <summary>
    /// 1; 0 if the object was compiled with the header of version 1.0, where no code refers to the entries of its branches; 3 in a <see cref="MarkKey"/>.
    /// </summary>
    public int Reserved;

    public FtraceStaticKey* Origin;
}
