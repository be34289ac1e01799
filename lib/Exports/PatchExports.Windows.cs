namespace Ftrace.Exports;

/// <content>There is no tracing yet.</content>
internal static unsafe partial class PatchExports
{
    private static void FillTracing(FtraceStats* stats)
    {
    }
}
