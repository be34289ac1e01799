using System.Runtime.InteropServices;

namespace Ftrace.Trace;

/// <summary><c>struct ftrace_site</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FtraceSite
{
    public nuint Size;
    public ulong Ip;
    public ulong Function;
    public byte* Name;
    public byte* Object;
    public ulong Users;
    public byte* Display;
    public ulong* Data;
}
