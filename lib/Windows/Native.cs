namespace Ftrace.Windows;

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
}
