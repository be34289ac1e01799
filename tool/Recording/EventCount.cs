using System;
using System.Runtime.InteropServices;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>How many events a block has.</summary>
internal static unsafe class EventCount
{
    private const int Unit = 2; // words
    private const int Padding = 1;

    public static int Of(ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<ulong> units = MemoryMarshal.Cast<byte, ulong>(block[sizeof(BlockHeader)..]);
        ulong tag = MemoryMarshal.AsRef<BlockHeader>(block).Sequence % 13 + 1;
        int count = 0;
        for (int at = 0; at + 1 < units.Length; at += Unit)
        {
            if ((units[at] & 15) != tag)
            {
                continue;
            }

            int code = (ushort)units[at + 1];
            if ((code & 15) != 0)
            {
                count++; // an entry or an exit
            }
            else if ((code >> 4 & 15) == Padding)
            {
                at += (int)ulong.Min(units[at + 1] << 1 >> 17, (ulong)units.Length) * Unit;
            }
            else
            {
                at += (code >> 8) * Unit;
                count++;
            }
        }

        return count;
    }
}
