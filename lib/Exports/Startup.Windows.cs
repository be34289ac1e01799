using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Breakpoint;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Exports;

/// <summary>Called by Native/Windows/entry.c at the first call of the library.</summary>
internal static unsafe class Startup
{
    [UnmanagedCallersOnly(EntryPoint = "thread_startup", CallConvs = [typeof(CallConvCdecl)])]
    public static void Start(NativeTable* native)
    {
        Native.Attach(native);
        SharedState.Attach(native->State);
        HostPrint.Set(null);
        PatchBatch.WarmUp();
        native->EnterSlow = (delegate*<NmiThread*, void>)&X86Nmi.EnterSlow;
        native->ExitSlow = (delegate*<NmiThread*, void>)&X86Nmi.ExitSlow;
        native->OnTrap = (delegate*<ulong, void*, int>)&TrapExceptions.OnException;
    }
}
