using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The thread that this runs on.</summary>
[NoInstr]
internal static unsafe class CurrentThread
{
    /// <summary>Its words: a thread-local object of the native file, <c>ftrace_nmi_thread</c>.</summary>
    public static NmiThread* Words => (NmiThread*)Native.Thread;
}
