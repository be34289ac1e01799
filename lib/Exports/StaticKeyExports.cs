using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.JumpLabel;
using Ftrace.Linux;
using Ftrace.Objects;
using Ftrace.Trace;

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
    public static int UpdateCall(FtraceStaticCallKey* key, ulong function)
    {
        if (key == null || (ulong)key % sizeof(ulong) != 0 || key->Trampoline == null)
        {
            return -Errno.EINVAL;
        }

        int error = Tracing.TryLock();
        if (error != 0)
        {
            return error;
        }

        error = StaticCall.Update(key, function);
        Tracing.Unlock();
        return error;
    }

    private static int Run(StaticKeyOperation operation, FtraceStaticKey* key)
    {
        if (key == null || (ulong)key % sizeof(ulong) != 0)
        {
            return -Errno.EINVAL;
        }

        int error = Tracing.TryLock();
        if (error != 0)
        {
            return error;
        }

        error = StaticKey.Run(operation, key);
        Tracing.Unlock();
        return error;
    }
}
