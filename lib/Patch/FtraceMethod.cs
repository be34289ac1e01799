namespace Ftrace.Patch;

/// <summary><c>enum ftrace_method</c>.</summary>
internal enum FtraceMethod
{
    Auto,
    StopMachine,
    Breakpoint,
}
