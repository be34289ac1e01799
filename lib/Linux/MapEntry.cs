using System;

namespace Ftrace.Linux;

/// <summary>One line of /proc/self/maps.</summary>
internal struct MapEntry
{
    private const int Fields = 5; // before the name

    public ulong Start;
    public ulong End;

    /// <summary>PROT_READ, PROT_WRITE, PROT_EXEC.</summary>
    public int Protection;

    /// <summary>Parses the start of a line, "55d0c0a00000-55d0c0a02000 r-xp ...".</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out MapEntry entry)
    {
        entry = default;
        int at = 0;
        if (!TryParseHex(line, ref at, (byte)'-', out entry.Start) || !TryParseHex(line, ref at, (byte)' ', out entry.End) || line.Length < at + 3)
        {
            return false;
        }

        entry.Protection =
            (line[at] == 'r' ? Memory.ProtRead : 0) |
            (line[at + 1] == 'w' ? Memory.ProtWrite : 0) |
            (line[at + 2] == 'x' ? Memory.ProtExec : 0);
        return entry.Start < entry.End;
    }

    /// <summary>
    /// The name in a line: the path of the file, or a word in brackets, such as [stack]; empty if the mapping has none. It follows five
    /// fields and some spaces.
    /// </summary>
    public static ReadOnlySpan<byte> NameIn(ReadOnlySpan<byte> line)
    {
        for (int field = 0; field < Fields; field++)
        {
            int length = line.IndexOf((byte)' ');
            if (length < 0)
            {
                return default;
            }

            line = line[length..].TrimStart((byte)' ');
        }

        return line;
    }

    private static bool TryParseHex(ReadOnlySpan<byte> line, ref int at, byte end, out ulong value)
    {
        value = 0;
        int first = at;
        for (; at < line.Length; at++)
        {
            int digit = line[at] switch
            {
                >= (byte)'0' and <= (byte)'9' => line[at] - '0',
                >= (byte)'a' and <= (byte)'f' => line[at] - 'a' + 10,
                _ => -1,
            };
            if (digit < 0 || at - first >= 16)
            {
                break;
            }

            value = value << 4 | (uint)digit;
        }

        return at > first && at < line.Length && line[at++] == end;
    }
}
