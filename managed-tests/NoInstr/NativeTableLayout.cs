using System.Collections.Generic;
using Ftrace.Linux;

namespace Ftrace.Tests.NoInstr;

/// <summary>Where the compiled code finds the native file's functions.</summary>
/// <param name="Symbol">Of the static that holds the table's address.</param>
/// <param name="Slots">Offsets in the table of the functions that the data plane may call, with why.</param>
internal sealed record NativeTableLayout(string Symbol, IReadOnlyDictionary<long, string> Slots)
{
    /// <summary>The shipped library's.</summary>
    public static unsafe NativeTableLayout Shipped
    {
        get
        {
            NativeTable table = default;
            byte* start = (byte*)&table;
            return new NativeTableLayout("__NONGCSTATICS" + SymbolNames.Of(typeof(Native)), new Dictionary<long, string>
            {
                [(byte*)&table.Syscall - start] = "raw_syscall: one instruction, no errno",
                [(byte*)&table.Thread - start] = "current_thread: the address of an initial-exec thread-local object, no call",
                [(byte*)&table.CallHandler - start] = "call_handler: aligned, calls the host's handler, as the kernel would have",
                [(byte*)&table.CallOps - start] = "call_ops: aligned, calls the host's handler, as the traced function would have",
                [(byte*)&table.SyncCore - start] = "sync_core_*: serializes and returns",
            });
        }
    }
}
