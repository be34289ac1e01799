using System.Runtime.InteropServices;
using Ftrace.Objects;

namespace Ftrace.JumpLabel;

/// <summary><c>struct ftrace_static_key_true</c> and <c>struct ftrace_static_key_false</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FtraceTypedStaticKey
{
    public FtraceStaticKey Key;
}
