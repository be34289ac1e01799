using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Ftrace.Tool.Attach;

/// <summary>Packets to and from an agent. What fails sets <see cref="Libc.Errno"/>.</summary>
internal static unsafe partial class AgentSocket
{
    public const int EPIPE = 32;
    public const int ECONNRESET = 104;

    private const int Unix = 1;
    private const int SeqpacketCloexec = 5 | 0x80000;
    private const int NoSignal = 0x4000;
    private const int Socket = 1; // SOL_SOCKET
    private const int Rights = 1; // SCM_RIGHTS
    private const int PeerCredentials = 17; // SO_PEERCRED
    private const int ControlSize = 24;
    private const int Readable = 1;
    private const int PathOffset = 2;
    private const int LongestPath = 107;

    /// <summary>Sends a packet, with a descriptor if that is not -1.</summary>
    public static bool TrySend(int socket, ReadOnlySpan<byte> packet, int descriptor)
    {
        fixed (byte* start = packet)
        {
            var part = new IoVector { Base = start, Length = (nuint)packet.Length };
            long* control = stackalloc long[ControlSize / sizeof(long)] { 0, 0, 0 };
            var message = new MessageHeader { Vector = &part, VectorCount = 1 };
            if (descriptor >= 0)
            {
                control[0] = 16 + sizeof(int);
                ((int*)control)[2] = Socket;
                ((int*)control)[3] = Rights;
                ((int*)control)[4] = descriptor;
                message.Control = control;
                message.ControlLength = ControlSize;
            }

            nint sent;
            do
            {
                sent = SendMessage(socket, &message, NoSignal);
            }
            while (sent < 0 && Libc.Errno == Libc.EINTR);
            return sent == packet.Length;
        }
    }

    /// <summary>Receives a packet. 0: the other end is closed.</summary>
    public static nint Receive(int socket, Span<byte> packet)
    {
        fixed (byte* start = packet)
        {
            nint count;
            int resets = 0;
            do
            {
                count = Libc.Receive(socket, start, packet.Length, 0);
            }
            // An other end that was closed before it had read all is told once, even before what it has sent.
            while (count < 0 && (Libc.Errno == Libc.EINTR || (Libc.Errno == ECONNRESET && resets++ == 0)));
            return count;
        }
    }

    /// <summary>The process at the other end, which has made the socket; 0: it is not visible here.</summary>
    public static int PeerOf(int socket)
    {
        int* credentials = stackalloc int[3]; // struct ucred
        int length = 3 * sizeof(int);
        return GetOption(socket, Socket, PeerCredentials, credentials, &length) == 0 ? credentials[0] : 0;
    }

    /// <summary>Tells the other end that nothing more is sent.</summary>
    public static void EndSending(int socket) => Shutdown(socket, 1);

    /// <summary>Waits until there is something to receive, or the other end is closed.</summary>
    /// <returns>False after the time.</returns>
    public static bool WaitReadable(int socket, int milliseconds)
    {
        long until = Environment.TickCount64 + milliseconds;
        var wanted = new PollDescriptor { Descriptor = socket, Events = Readable };
        for (; ; )
        {
            int ready = Poll(&wanted, 1, (int)Math.Max(0, until - Environment.TickCount64));
            if (ready > 0)
            {
                return true;
            }

            if (ready == 0 || Libc.Errno != Libc.EINTR)
            {
                return false;
            }
        }
    }

    /// <summary>Connects to a socket in the file system.</summary>
    /// <returns>A descriptor, or -1.</returns>
    public static int Connect(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        if (name.Length > LongestPath)
        {
            Marshal.SetLastPInvokeError(36); // ENAMETOOLONG
            return -1;
        }

        var address = new byte[PathOffset + LongestPath + 1];
        address[0] = Unix;
        name.CopyTo(address, PathOffset);
        int socket = CreateSocket(Unix, SeqpacketCloexec, 0);
        if (socket < 0)
        {
            return -1;
        }

        fixed (byte* start = address)
        {
            if (Connect(socket, start, address.Length) == 0)
            {
                return socket;
            }
        }

        int error = Libc.Errno;
        Libc.Close(socket);
        Marshal.SetLastPInvokeError(error);
        return -1;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int CreateSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(int socket, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetOption(int socket, int level, int name, void* value, int* length);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int Shutdown(int socket, int how);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vector;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
