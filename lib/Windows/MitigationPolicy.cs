using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>PROCESS_MITIGATION_POLICY_INFORMATION: what a process has given up.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MitigationPolicy
{
    private const int Kind = 52; // ProcessMitigationPolicy
    private const int DynamicCode = 2; // ProcessDynamicCodePolicy
    private const uint Prohibit = 1;
    private const int ShadowStack = 15; // ProcessUserShadowStackPolicy
    private const uint Enable = 1;

    private int _policy;
    private uint _flags;

    /// <summary>
    /// True if pages that are not executable cannot become so. A system that does not know the question has no such policy.
    /// </summary>
    public static bool ForbidsDynamicCode() => (FlagsOf(DynamicCode) & Prohibit) != 0;

    /// <summary>True if returns are compared with a shadow stack.</summary>
    public static bool HasShadowStack() => (FlagsOf(ShadowStack) & Enable) != 0;

    private static uint FlagsOf(int kind)
    {
        var policy = new MitigationPolicy { _policy = kind };
        return Ntdll.NtQueryInformationProcess(Ntdll.CurrentProcess, Kind, &policy, (uint)sizeof(MitigationPolicy), null) >= 0 ? policy._flags : 0;
    }
}
