// SPDX-License-Identifier: MIT

using System.Runtime.InteropServices;

namespace Ftrace.Hosts;

/// <summary>struct ftrace_ops</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Ops
{
    public nuint Size;
    public delegate* unmanaged<nuint, nuint, Ops*, void*, void> Function;
    public nuint Flags;
    public void* Data;
}
