namespace Ftrace.Linux;

/// <summary>membarrier(2): makes every CPU that runs a thread of the process execute a serializing instruction.</summary>
[NoInstr]
internal static class Membarrier
{
    private const int PrivateExpeditedSyncCore = 1 << 5;
    private const int RegisterPrivateExpeditedSyncCore = 1 << 6;

    /// <summary>Must succeed once in an address space before <see cref="SyncCore"/> is used.</summary>
    public static bool Register() =>
        Native.Syscall(SyscallNumber.Membarrier, RegisterPrivateExpeditedSyncCore) == 0;

    /// <returns>False if the system does not have it.</returns>
    public static bool SyncCore() =>
        Native.Syscall(SyscallNumber.Membarrier, PrivateExpeditedSyncCore) == 0;
}
