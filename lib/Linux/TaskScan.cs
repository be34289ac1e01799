using System;
using System.Buffers.Binary;

namespace Ftrace.Linux;

/// <summary>Reads thread ids from the directory entries of /proc/self/task, as getdents64(2) returns them.</summary>
/// <remarks>
/// <c>struct linux_dirent64</c>: inode (8 bytes), offset (8), record length (2), type (1), name with a 0.
/// </remarks>
internal ref struct TaskScan(ReadOnlySpan<byte> entries)
{
    private const int LengthOffset = 16;
    private const int NameOffset = 19;

    private ReadOnlySpan<byte> _rest = entries;

    /// <summary>The next thread id; entries that are not a number are skipped.</summary>
    /// <returns>False at the end, or if an entry exceeds the buffer.</returns>
    public bool Next(out int tid)
    {
        while (_rest.Length > NameOffset)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest[LengthOffset..]);
            if (length <= NameOffset || length > _rest.Length)
            {
                break;
            }

            ReadOnlySpan<byte> name = _rest[NameOffset..length];
            _rest = _rest[length..];
            if (TryParseTid(name, out tid))
            {
                return true;
            }
        }

        tid = 0;
        return false;
    }

    private static bool TryParseTid(ReadOnlySpan<byte> name, out int tid)
    {
        long value = 0;
        int at = 0;
        while (at < name.Length && name[at] is >= (byte)'0' and <= (byte)'9' && value <= int.MaxValue)
        {
            value = value * 10 + (name[at++] - '0');
        }

        tid = (int)value;
        return at > 0 && at < name.Length && name[at] == 0 && value is > 0 and <= int.MaxValue;
    }
}
