using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>FlushProcessWriteBuffers: an interrupt on every CPU that runs a thread of the process, whose return serializes.</summary>
[NoInstr]
internal static unsafe class Membarrier
{
    [DllImport("kernel32", ExactSpelling = true), SuppressGCTransition]
    private static extern void FlushProcessWriteBuffers();

    /// <returns>True.</returns>
    public static bool SyncCore()
    {
        Ntdll.NtFlushInstructionCache(Ntdll.CurrentProcess, null, 0);
        FlushProcessWriteBuffers();
        return true;
    }
}
