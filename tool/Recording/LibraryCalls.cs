using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Tool.Recording;

/// <summary>Gives the library's classes, which read ELF files, the system calls that they have from their native code otherwise.</summary>
internal static unsafe partial class LibraryCalls
{
    private static readonly NativeTable* s_table = Attach();

    /// <summary>To be called before any of these classes is used.</summary>
    public static void Prepare() => RuntimeHelpers.RunClassConstructor(typeof(LibraryCalls).TypeHandle);

    private static NativeTable* Attach()
    {
        var table = (NativeTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativeTable));
        table->Syscall = &Syscall;
        Native.Attach(table);
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
