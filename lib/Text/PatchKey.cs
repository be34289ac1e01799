namespace Ftrace.Text;

/// <summary>A location of a batch, in the array that is sorted by address.</summary>
internal unsafe struct PatchKey
{
    public ulong Ip;

    /// <summary>The entry in the caller's array.</summary>
    public FtracePatch* Patch;
}
