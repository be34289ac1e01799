using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>PROCESS_MITIGATION_POLICY_INFORMATION: what a process has given up.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MitigationPolicy
{
    private const int Kind = 52; // ProcessMitigationPolicy
    private const int DynamicCode = 2; // ProcessDynamicCodePolicy
    private const uint Prohibit = 1;

    private int _policy;
    private uint _flags;

    /// <summary>
    /// True if pages that are not executable cannot become so. A system that does not know the question has no such policy.
    /// </summary>
    public static bool ForbidsDynamicCode()
    {
        var policy = new MitigationPolicy { _policy = DynamicCode };
        return Ntdll.NtQueryInformationProcess(Ntdll.CurrentProcess, Kind, &policy, (uint)sizeof(MitigationPolicy), null) >= 0
            && (policy._flags & Prohibit) != 0;
    }
}
