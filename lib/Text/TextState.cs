using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <summary>How text is written at present. Unmanaged memory: NMIs that write for the patcher read it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct TextState
{
    /// <summary>Offset in <see cref="SharedState"/>.</summary>
    public const int Offset = 768;

    /// <summary>
    /// /proc/self/mem, while a batch is written through it: its descriptor plus 1. 0: text is written in place. Changes
    /// only while no unit is announced.
    /// </summary>
    public int MemFile;

    /// <summary>How the last batch was written.</summary>
    public FtraceWriter LastWriter;

    /// <summary>The <see cref="PatchOrder.Stride"/> of a unit that is written in place. Changes only when <see cref="MemFile"/> may.</summary>
    public nint Stride;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static TextState* Shared => (TextState*)SharedState.At(Offset);
}
