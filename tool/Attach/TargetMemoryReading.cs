using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>Values and texts in a process.</summary>
internal static class TargetMemoryReading
{
    private const int Page = 4096;

    public static bool TryRead<T>(this ITargetMemory memory, ulong address, out T value) where T : unmanaged
    {
        Unsafe.SkipInit(out value);
        return memory.TryRead(address, MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref value, 1)));
    }

    /// <summary>A text that ends with a zero byte, or after so many bytes.</summary>
    public static string ReadText(this ITargetMemory memory, ulong address, int longest)
    {
        byte[] bytes = new byte[longest];
        int length = 0;
        while (length < longest)
        {
            // Never beyond the page: the next one may not be there.
            int count = Math.Min(longest - length, Page - (int)((address + (ulong)length) % Page));
            Span<byte> part = bytes.AsSpan(length, count);
            if (!memory.TryRead(address + (ulong)length, part))
            {
                break;
            }

            int end = part.IndexOf((byte)0);
            if (end >= 0)
            {
                length += end;
                break;
            }

            length += count;
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
