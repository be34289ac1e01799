namespace Ftrace.Linux;

/// <summary>membarrier(2): makes every running thread of the process execute a serializing instruction.</summary>
[NoInstr]
internal static class Membarrier
{
    private const int PrivateExpeditedSyncCore = 1 << 5;
    private const int RegisterPrivateExpeditedSyncCore = 1 << 6;

    /// <summary>Must have succeeded once before <see cref="SyncCore"/> in this address space.</summary>
    public static bool Register() =>
        Native.Syscall(SyscallNumber.Membarrier, RegisterPrivateExpeditedSyncCore) == 0;

    /// <returns>False if the system does not have it.</returns>
    public static bool SyncCore() =>
        Native.Syscall(SyscallNumber.Membarrier, PrivateExpeditedSyncCore) == 0;
}
