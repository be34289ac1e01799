using System.Runtime.InteropServices;

namespace Ftrace.Protocol;

/// <summary>The words of <see cref="ReleaseProtocol{TMachine}"/>. Unmanaged memory, zero at the start.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReleaseState
{
    /// <summary>1: parked threads serialize by themselves, because the system has no membarrier for it.</summary>
    public uint SerializeParked;

    /// <summary>1: text was changed in this window, so that other cores have to forget the old one. The patcher's.</summary>
    public uint TextChanged;
}
