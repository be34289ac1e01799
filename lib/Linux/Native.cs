namespace Ftrace.Linux;

/// <summary>The functions of the native code, for both planes.</summary>
[NoInstr]
internal static unsafe class Native
{
    private static NativeTable* s_table;

    /// <summary>The table itself.</summary>
    public static NativeTable* Table => s_table;

    /// <summary>Set once, at start-up, before anything else of this class is used.</summary>
    public static void Attach(NativeTable* table) => s_table = table;

    /// <summary>The calling thread's words.</summary>
    public static void* Thread => s_table->Thread();

    /// <summary>Executes a serializing instruction on this CPU.</summary>
    public static void SyncCore() => s_table->SyncCore();

    /// <summary>A raw system call: returns -errno, and does not change errno.</summary>
    public static nint Syscall(SyscallNumber number, nint a = 0, nint b = 0, nint c = 0, nint d = 0, nint e = 0, nint f = 0) =>
        s_table->Syscall((nint)number, a, b, c, d, e, f);
}
