using Ftrace.Stop;

namespace Ftrace.Text;

/// <summary>How a batch is to be changed: the options of a call, checked and with their defaults.</summary>
internal readonly record struct PatchRequest(FtraceMethod Method, FtraceWriter Writer, uint TimeoutMs)
{
    /// <summary>What the calls for single locations ask for: the kernel's way.</summary>
    public static PatchRequest Single => new(FtraceMethod.StopMachine, FtraceWriter.Auto, StopMachine.DefaultTimeoutMs);

    /// <summary>What a call without options asks for.</summary>
    public static PatchRequest Default => new(FtraceMethod.Auto, FtraceWriter.Auto, StopMachine.DefaultTimeoutMs);
}
