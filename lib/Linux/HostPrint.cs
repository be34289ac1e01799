namespace Ftrace.Linux;

/// <summary>The host's function for reports: <c>ftrace_set_print()</c>.</summary>
internal static unsafe class HostPrint
{
    private static void* s_print;

    /// <summary>False if there is none: then no line has to be formatted.</summary>
    public static bool IsSet => s_print != null;

    /// <summary>Sets the function; null: the initial one.</summary>
    public static void Set(void* print) => s_print = print != null ? print : Native.Table->Print;

    /// <param name="line">Without a newline, 0-terminated.</param>
    public static void Print(byte* line) => ((delegate* unmanaged[Cdecl]<byte*, void>)s_print)(line);
}
