using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Tool.Reading;

/// <summary>Gives the library's classes, which read ELF files, the system calls that they have from their native code otherwise.</summary>
internal static unsafe partial class LibraryCalls
{
    private static readonly NativeTable* s_table = MakeTable();

    /// <summary>To be called before any of these classes is used.</summary>
    public static void Prepare() => Native.Attach(s_table);

    private static NativeTable* MakeTable()
    {
        var table = (NativeTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativeTable));
        table->Syscall = &Syscall;
        return table;
    }

    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f)
    {
        nint result = SystemCall(number, a, b, c, d, e, f);
        return result == -1 ? -Marshal.GetLastPInvokeError() : result;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);
}
