using System.Runtime.InteropServices;

namespace Ftrace.Protocol;

/// <summary>
/// The words of one thread: <c>struct ftrace_nmi_thread</c> in ftrace/nmi-inline.h. Only the thread
/// itself, in whatever handler, reads or writes them.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.NmiThread_SizeOf)]
internal struct NmiThread
{
    /// <summary>
    /// The saved word, the kernel's <c>save_modifying_code</c>, one bit per nesting level:
    /// <code>
    /// bit 0      gate as it was when the innermost NMI entered; 1: it is announced
    /// bit n      the same for the n-th one around it
    /// highest 1  the sentinel; its position is the depth of nesting
    /// </code>
    /// </summary>
    [FieldOffset(Offsets.NmiThread_Saved)] public ulong Saved;

    /// <summary>Cookie of a stop that met an announced NMI and takes effect when it leaves; 0: none.</summary>
    [FieldOffset(Offsets.NmiThread_StopPending)] public ulong StopPending;

    /// <summary>The call of the library that the thread is in, an address on its stack; see <c>LibraryCall</c> (the native file's).</summary>
    [FieldOffset(Offsets.NmiThread_Busy)] public ulong Busy;

    /// <summary>
    /// Bit 0: the runtime knows the thread. Bit 1: it is in C#. The rest is for
    /// <c>NmiLevels</c> (and the native file's).
    /// </summary>
    [FieldOffset(Offsets.NmiThread_Attached)] public ulong Attached;

    /// <summary>Levels, as <see cref="Level"/> gives them, that the breakpoint method counts as held.</summary>
    [FieldOffset(Offsets.NmiThread_Held)] public ulong Held;

    /// <summary>Levels that found SIGTRAP blocked and unblocked it.</summary>
    [FieldOffset(Offsets.NmiThread_Unblocked)] public ulong Unblocked;

    /// <summary>The thread's <c>TraceThread</c>, at first one that nobody has. Read by Native/trace_entry.S.</summary>
    [FieldOffset(Offsets.NmiThread_Tracer)] public ulong Tracer;

    /// <summary>
    /// Where the stack ended when the outermost announced NMI was counted; 0: there is none, or it is on its way in or out. For
    /// <c>NmiLevels</c>.
    /// </summary>
    [FieldOffset(Offsets.NmiThread_AnnouncedAt)] public ulong AnnouncedAt;

    /// <summary>Outside of all NMIs only the sentinel is left, at the bottom.</summary>
    public const ulong Outside = 1;

    /// <summary>True if an NMI at any level is announced: some bit below the sentinel is set.</summary>
    [NoInstr]
    public static bool IsAnnounced(ulong saved) => (saved & (saved - 1)) != 0;

    /// <summary>The depth of nesting as a single bit: the sentinel.</summary>
    [NoInstr]
    public static ulong Level(ulong saved)
    {
        ulong level = saved;
        for (ulong rest = saved & (saved - 1); rest != 0; rest &= rest - 1)
        {
            level = rest;
        }

        return level;
    }
}
