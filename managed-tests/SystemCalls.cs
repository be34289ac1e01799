using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Objects;

namespace Ftrace.Tests;

/// <summary>Gives the library system calls, which otherwise come from its native file.</summary>
internal static unsafe class SystemCalls
{
    private static NativeTable* s_table;

    /// <summary>Until <see cref="Detach"/>, or the next one.</summary>
    public static void Attach(delegate*<nint, nint, nint, nint, nint, nint, nint, nint> syscall)
    {
        Detach();
        s_table = (NativeTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativeTable));
        s_table->Syscall = syscall;
        s_table->MarkKey = NativeMemory.AllocZeroed((nuint)sizeof(MarkKey)); // of the library itself
        Native.Attach(s_table);
    }

    public static void Detach()
    {
        Native.Attach(null);
        if (s_table != null)
        {
            NativeMemory.Free(s_table->MarkKey);
        }

        NativeMemory.Free(s_table);
        s_table = null;
    }
}
