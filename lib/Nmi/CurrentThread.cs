using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Nmi;

/// <summary>The calling thread.</summary>
[NoInstr]
internal static unsafe class CurrentThread
{
    /// <summary>Its words: the thread-local object <c>ftrace_nmi_thread</c> of Native/gate.c.</summary>
    public static NmiThread* Words => (NmiThread*)Native.Thread;
}
