using System.Runtime.InteropServices;

namespace Ftrace.Protocol;

/// <summary>The shared words of the protocol. Unmanaged memory, zero at the start.</summary>
/// <remarks>The gate is not here: it is an exported object, <c>ftrace_modifying_code</c>.</remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal unsafe struct ProtocolState
{
    /// <summary>
    /// Bit of <see cref="NmiRunning"/> that says: the announced location is being written, and an NMI
    /// that enters writes it too. Kernel: MOD_CODE_WRITE_FLAG.
    /// </summary>
    public const uint ModCodeWriteFlag = 1u << 31;

    /// <summary>
    /// Bit 31: <see cref="ModCodeWriteFlag"/>. Bits 0 to 30: announced NMIs. Alone on its line:
    /// every announced NMI writes it.
    /// </summary>
    [FieldOffset(0)] public uint NmiRunning;

    /// <summary>
    /// The announced location, or the first of a unit of them. Written by the patcher only, and only while the flag is clear.
    /// </summary>
    [FieldOffset(128)] public ulong ModCodeIp;

    /// <summary>The bytes to write there, or what else the machine's writer takes for them.</summary>
    [FieldOffset(136)] public ulong ModCodeNewcode;

    /// <summary>How many.</summary>
    [FieldOffset(144)] public uint ModCodeLen;

    /// <summary>
    /// Result of the write, 0 or -errno. Several may write it: if one fails all do, and if one
    /// succeeds all do, because all write the same.
    /// </summary>
    [FieldOffset(148)] public int ModCodeStatus;

    /// <summary>How often the patcher had to wait for NMIs.</summary>
    [FieldOffset(152)] public uint NmiWaitCount;

    /// <summary>How often an NMI wrote for the patcher.</summary>
    [FieldOffset(156)] public uint NmiUpdateCount;
}
