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
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(block[sizeof(BlockHeader)..]);
        ulong tag = BlockHeader.TagOf(MemoryMarshal.AsRef<BlockHeader>(block).Sequence);
        int count = 0;
        for (int at = 0; at + 1 < words.Length; at += Unit)
        {
            if ((words[at] & 15) != tag)
            {
                continue;
            }

            int code = (ushort)words[at + 1];
            if ((code & 15) != 0)
            {
                count++; // an entry or an exit
            }
            else if ((code >> 4 & 15) == Padding)
            {
                at += (int)ulong.Min(words[at + 1] << 1 >> 17, (ulong)words.Length) * Unit;
            }
            else
            {
                int follow = code >> 8;
                count += IsComplete(words, at, follow, tag) ? 1 : 0;
                at += follow * Unit;
            }
        }

        return count;
    }

    private static bool IsComplete(ReadOnlySpan<ulong> words, int at, int follow, ulong tag)
    {
        bool isComplete = at + (follow + 1) * Unit <= words.Length;
        for (int i = 1; i <= follow && isComplete; i++)
        {
            isComplete = (words[at + i * Unit] & 15) == tag;
        }

        return isComplete;
    }
}
