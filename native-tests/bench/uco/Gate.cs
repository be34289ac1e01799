// SPDX-License-Identifier: MIT
// The gate as plain UnmanagedCallersOnly exports: what the pair would cost if
// nothing were done to avoid the transition into the runtime and back.

using System.Runtime.InteropServices;
using System.Threading;

namespace Uco;

public static unsafe class Gate
{
    private static int s_running;

    [UnmanagedCallersOnly(EntryPoint = "uco_nmi_enter")]
    public static void Enter(ulong* modifyingCode, ulong* saved)
    {
        ulong modifying = Volatile.Read(ref *modifyingCode);

        *saved = (*saved << 1) | modifying;
        if (modifying != 0)
        {
            Interlocked.Increment(ref s_running);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "uco_nmi_exit")]
    public static void Exit(ulong* saved)
    {
        if ((*saved & 1) != 0)
        {
            Interlocked.Decrement(ref s_running);
        }

        *saved >>= 1;
    }
}
