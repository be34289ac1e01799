using System.Runtime.InteropServices;

namespace Ftrace;

/// <summary>Who modifies code, and how much was modified.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PatchState
{
    /// <summary>The patch mutex, a <see cref="Linux.FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>The <see cref="Protocol.NmiThread"/> of the thread that has prepared; 0: nobody.</summary>
    public ulong Owner;

    /// <summary>Locations changed.</summary>
    public ulong Patches;
}
