using System.Runtime.InteropServices;

namespace Ftrace.Tests.Abi;

/// <summary><c>struct ftrace_graph_call</c>, so that its layout does not change: only the native file makes and reads it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GraphCall
{
    public ulong Ip;
    public ulong ParentIp;
    public uint Depth;
    public uint Flags;
    public void* Data;
}
