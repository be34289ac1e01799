using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Trace;

namespace Ftrace.Exports;

/// <summary>ftrace/sites.h: checks of the arguments and one call each.</summary>
internal static unsafe class SiteExports
{
    /// <summary>FTRACE_SITES_ENABLED.</summary>
    public const uint EnabledOnly = 1;

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_for_each_site", CallConvs = [typeof(CallConvCdecl)])]
    public static int ForEach(void* fn, void* data, uint flags)
    {
        if (fn == null || (flags & ~EnabledOnly) != 0)
        {
            return -Errno.EINVAL;
        }

        var list = new SiteList { Fn = fn, Data = data, EnabledOnly = (flags & EnabledOnly) != 0 };
        var call = new TraceCall { Operation = TraceOperation.List, List = list };
        return Tracing.Run(ref call);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_update_sites", CallConvs = [typeof(CallConvCdecl)])]
    public static int Update()
    {
        var call = new TraceCall { Operation = TraceOperation.Update };
        return Tracing.Run(ref call);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_lookup", CallConvs = [typeof(CallConvCdecl)])]
    public static int Lookup(ulong ip, FtraceSymbol* symbol, byte* buffer, nuint size)
    {
        if (symbol == null || (ulong)symbol % sizeof(ulong) != 0 || (buffer == null && size != 0))
        {
            return -Errno.EINVAL;
        }

        int error = SizedStruct.Check(symbol, (nuint)sizeof(FtraceSymbol), (nuint)sizeof(FtraceSymbol));
        if (error != 0)
        {
            return error;
        }

        var lookup = new AddressLookup { Ip = ip, Buffer = buffer, Size = size };
        error = Tracing.Lookup(ref lookup);
        if (error == 0)
        {
            lookup.Found.Size = symbol->Size;
            *symbol = lookup.Found;
        }

        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_print", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetPrint(void* print)
    {
        return Tracing.SetPrint(print);
    }
}
