namespace Ftrace.Text;

/// <summary><c>enum ftrace_writer</c>.</summary>
internal enum FtraceWriter
{
    Auto,
    ProcMem,
    Mprotect,
}
