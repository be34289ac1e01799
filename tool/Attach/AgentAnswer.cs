using System;
using System.Buffers.Binary;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>The answer that an agent sends before it turns a connection down: docs/agent.md.</summary>
internal static unsafe class AgentAnswer
{
    private const int HeaderSize = 16;
    private const int LongestAnswer = HeaderSize + 4096;
    private const int WithoutWaiting = 0x40; // MSG_DONTWAIT

    /// <returns>Its text; empty: there is none.</returns>
    public static string Receive(int socket)
    {
        byte[] answer = new byte[LongestAnswer];
        nint count;
        fixed (byte* start = answer)
        {
            count = Libc.Receive(socket, start, answer.Length, WithoutWaiting);
        }

        if (count < HeaderSize)
        {
            return "";
        }

        int length = Math.Min((int)count - HeaderSize, (int)BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(12)));
        return Encoding.UTF8.GetString(answer, HeaderSize, Math.Max(length, 0));
    }
}
