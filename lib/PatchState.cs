using System.Runtime.InteropServices;
using Ftrace.Text;

namespace Ftrace;

/// <summary>Who modifies code, how, and how much was modified.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PatchState
{
    /// <summary>The patch mutex, a <see cref="Linux.FutexMutex"/>.</summary>
    public uint Mutex;

    /// <summary>
    /// /proc/self/mem, while a batch is written through it: its descriptor plus 1. 0: text is written in place. Changes
    /// only while no unit is announced.
    /// </summary>
    public int MemFile;

    /// <summary>Of a unit that is written in place, the <see cref="PatchOrder.Stride"/>. Changes likewise.</summary>
    public nint Stride;

    /// <summary>The <see cref="Protocol.NmiThread"/> of the thread that has prepared; 0: nobody.</summary>
    public ulong Owner;

    /// <summary>What calls without options ask for; all 0: nobody has set it.</summary>
    public PatchRequest Default;

    /// <summary>Locations changed.</summary>
    public ulong Patches;

    /// <summary>How the last batch was changed.</summary>
    public FtraceMethod LastMethod;

    /// <summary>How the last batch was written.</summary>
    public FtraceWriter LastWriter;
}
