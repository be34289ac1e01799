using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.JumpLabel;
using Ftrace.Linux;

namespace Ftrace.Exports;

/// <summary>ftrace/static_key.h: checks of the arguments and one call each.</summary>
internal static unsafe class StaticKeyExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_static_key_enable", CallConvs = [typeof(CallConvCdecl)])]
    public static int Enable(FtraceStaticKey* key) => Run(StaticKeyOperation.Enable, key);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_static_key_disable", CallConvs = [typeof(CallConvCdecl)])]
    public static int Disable(FtraceStaticKey* key) => Run(StaticKeyOperation.Disable, key);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_static_key_slow_inc", CallConvs = [typeof(CallConvCdecl)])]
    public static int Inc(FtraceStaticKey* key) => Run(StaticKeyOperation.Inc, key);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_static_key_slow_dec", CallConvs = [typeof(CallConvCdecl)])]
    public static int Dec(FtraceStaticKey* key) => Run(StaticKeyOperation.Dec, key);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_static_call_key_update", CallConvs = [typeof(CallConvCdecl)])]
    public static int UpdateCall(FtraceStaticCallKey* key, ulong function) =>
        key == null || (ulong)key % sizeof(ulong) != 0 || key->Trampoline == null ? -Errno.EINVAL : StaticCall.Update(key, function);

    private static int Run(StaticKeyOperation operation, FtraceStaticKey* key) =>
        key == null || (ulong)key % sizeof(ulong) != 0 ? -Errno.EINVAL : StaticKey.Run(operation, key);
}
