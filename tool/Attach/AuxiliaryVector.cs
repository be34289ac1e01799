using System;

namespace Ftrace.Tool.Attach;

/// <summary>What the kernel has told a program when it was started: getauxval(3).</summary>
/// <param name="bytes">Of <c>/proc/PID/auxv</c>.</param>
internal readonly ref struct AuxiliaryVector(ReadOnlySpan<byte> bytes)
{
    /// <summary>AT_PHDR: where the program headers of the program are.</summary>
    public const ulong Headers = 3;

    /// <summary>AT_PHENT: the size of one.</summary>
    public const ulong HeaderSize = 4;

    /// <summary>AT_BASE: where the loader is.</summary>
    public const ulong Loader = 7;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <returns>0: there is none.</returns>
    public ulong Find(ulong key)
    {
        for (int at = 0; at + 16 <= _bytes.Length; at += 16)
        {
            if (BitConverter.ToUInt64(_bytes[at..]) == key)
            {
                return BitConverter.ToUInt64(_bytes[(at + 8)..]);
            }
        }

        return 0;
    }
}
