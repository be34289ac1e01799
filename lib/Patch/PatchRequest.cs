using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>How a batch is to be changed: the options of a call, checked and with their defaults.</summary>
internal readonly unsafe record struct PatchRequest(FtraceMethod Method, FtraceWriter Writer, uint TimeoutMs)
{
    /// <summary>The locations may be this library's text, which is nobody else's to change.</summary>
    public bool AllowsOwnText { get; init; }

    /// <summary>A stop that fails is not reported: the same one was.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>What options that leave everything to the library ask for.</summary>
    public static PatchRequest Auto => new(FtraceMethod.Auto, FtraceWriter.Auto, StopMachine.DefaultTimeoutMs);

    /// <summary>What a call without options asks for: what the host has set for those.</summary>
    public static PatchRequest Default
    {
        get
        {
            PatchRequest set = PatchState.Shared->Default;
            return set.TimeoutMs != 0 ? set : Auto;
        }
    }

    /// <summary>What the calls for single locations ask for: the kernel's way.</summary>
    public static PatchRequest Single => Default with { Method = FtraceMethod.StopMachine };
}
