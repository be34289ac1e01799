using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Patch;

/// <summary>Who modifies code, how, and how much was modified.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct PatchState
{
    /// <summary>In <see cref="SharedState"/>.</summary>
    public const int Offset = 832;

    /// <summary>The patch mutex, a <see cref="FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>How the last batch was changed.</summary>
    public FtraceMethod LastMethod;

    /// <summary>The <see cref="Protocol.NmiThread"/> of the thread that has prepared; 0: nobody.</summary>
    public ulong Owner;

    /// <summary>What calls without options ask for; all 0: nobody has set it.</summary>
    public PatchRequest Default;

    /// <summary>1: a batch could be neither completed nor put back; nothing is patched any more. Kernel: ftrace_kill().</summary>
    public uint Killed;

    /// <summary>Locations changed.</summary>
    public ulong Patches;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static PatchState* Shared => (PatchState*)SharedState.At(Offset);
}
