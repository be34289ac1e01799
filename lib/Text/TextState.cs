using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>How text is written at the moment. Unmanaged memory: NMIs that write for the patcher read it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct TextState
{
    /// <summary>In <see cref="SharedState"/>.</summary>
    public const int Offset = 768;

    /// <summary>
    /// /proc/self/mem, while a batch is written through it: its descriptor plus 1. 0: text is written in place. Changes
    /// only while no unit is announced.
    /// </summary>
    public int MemFile;

    /// <summary>How the last batch was written.</summary>
    public FtraceWriter LastWriter;

    /// <summary>Of a unit that is written in place, the <see cref="PatchOrder.Stride"/>. Changes as <see cref="MemFile"/> does.</summary>
    public nint Stride;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TextState* Shared => (TextState*)SharedState.At(Offset);
}
