using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_symbol</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceSymbol
{
    public nuint Size;
    public byte* Name;
    public byte* Display;
    public byte* Object;
    public ulong Base;
    public ulong Function;
    public ulong Length;
    public ulong Offset;
    public ulong Site;
}
