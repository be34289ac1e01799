using System;
using System.Buffers.Binary;
using System.Text;
using Ftrace.Tool.Control;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Attach;

/// <summary>Talks to the agent in a process: docs/agent.md. When it is closed, the agent ends what this connection has started.</summary>
internal sealed unsafe class AgentConnection : IDisposable
{
    public const int Version = 1;

    private const uint Magic = 0x47415446; // "FTAG"
    private const int RequestSize = 20;
    private const int AnswerSize = 16;
    private const int LongestText = 4096;
    private const int AnswerMs = 30_000;
    private const int PatienceMs = 2_000; // then it is said what is waited for

    private readonly string _target;
    private readonly int _socket;
    private readonly EndRequest _end;
    private readonly int _answerMs;
    private uint _number;
    private bool _hasTold;
    private bool _isLate;

    /// <param name="target">What it is called in messages.</param>
    /// <param name="socket">Connected; closed with this object.</param>
    /// <param name="end">While an answer is waited for, a signal ends this process.</param>
    /// <param name="answerMs">How long an answer is waited for.</param>
    /// <exception cref="AttachException">Another one holds the agent, or it speaks another version.</exception>
    public AgentConnection(string target, int socket, EndRequest end, int answerMs = AnswerMs)
    {
        _target = target;
        _socket = socket;
        _end = end;
        _answerMs = answerMs;
        try
        {
            ControlAnswer answer = Ask((uint)AgentKind.Hello, $"version={Version}\npid={Environment.ProcessId}\nname=ftrace\n");
            if (answer.Error == Libc.EBUSY)
            {
                throw Held(target, answer.Text);
            }

            if (answer.Error != 0)
            {
                throw new AttachException(AttachRefusal.OtherVersion, $"{target}: the library in the process does not take this ftrace ({Libc.TextOf(answer.Error)}); use the ftrace of the same release");
            }

            ProcessId = AgentSocket.PeerOf(_socket);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The process, as this one sees it; 0: it is in another PID namespace.</summary>
    public int ProcessId { get; }

    /// <param name="target">The process.</param>
    /// <param name="text">The agent's words: lines holder=PID NAME and ending=1.</param>
    public static AttachException Held(string target, string text)
    {
        string holder = ValueOf(text, "holder") ?? "unknown";
        return new AttachException(AttachRefusal.Busy, $"{target}: another process is attached: {holder}; end that one, or: ftrace detach {target}")
        {
            IsTemporary = ValueOf(text, "ending") == "1",
        };
    }

    /// <param name="kind">The request.</param>
    /// <param name="text">Its text.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="descriptor">Sent with it; -1: none.</param>
    /// <exception cref="AttachException">There is no answer.</exception>
    public ControlAnswer Ask(uint kind, string text = "", uint flags = 0, int descriptor = -1)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > LongestText)
        {
            throw new AttachException(AttachRefusal.NoAgent, $"{_target}: the options have {bytes.Length} bytes, and can have {LongestText}; use fewer or shorter patterns");
        }

        var request = new byte[RequestSize + bytes.Length];
        uint number = ++_number;
        BinaryPrimitives.WriteUInt32LittleEndian(request, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), number);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(8), kind);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(12), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(16), (uint)bytes.Length);
        bytes.CopyTo(request, RequestSize);
        if (!AgentSocket.TrySend(_socket, request, descriptor) && Libc.Errno is not AgentSocket.EPIPE and not AgentSocket.ECONNRESET)
        {
            throw new AttachException(AttachRefusal.NoAgent, $"{_target}: the agent cannot be asked: {Libc.TextOf(Libc.Errno)}");
        }

        return Receive(number);
    }

    /// <summary>True if the other end has closed the connection.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Waits for the end of the connection.</summary>
    /// <returns>False after the time.</returns>
    public bool WaitForEnd(int milliseconds)
    {
        if (!AgentSocket.WaitReadable(_socket, milliseconds))
        {
            return false;
        }

        Span<byte> packet = stackalloc byte[AnswerSize];
        IsClosed = AgentSocket.Receive(_socket, packet) <= 0; // else it is of no request
        return IsClosed;
    }

    /// <summary>Waits until the agent has ended what this connection has started, and itself.</summary>
    /// <returns>False: it has not, for so long. It will, when it can.</returns>
    public bool Close()
    {
        AgentSocket.EndSending(_socket);
        var answer = new byte[AnswerSize + LongestText];
        for (long until = Environment.TickCount64 + (_isLate ? 0 : _answerMs); Await(until);)
        {
            // Else it is an answer to what was asked before.
            if (AgentSocket.Receive(_socket, answer) <= 0)
            {
                return true;
            }
        }

        return false;
    }

    public void Dispose() => Libc.Close(_socket);

    private ControlAnswer Receive(uint number)
    {
        var answer = new byte[AnswerSize + LongestText];
        for (long until = Environment.TickCount64 + _answerMs; ;)
        {
            if (!Await(until))
            {
                _isLate = true;
                throw new AttachException(AttachRefusal.NoAgent, $"{_target}: there is no answer from the process; is it stopped, or does it load an object all the time?");
            }

            nint count = AgentSocket.Receive(_socket, answer);
            if (count <= 0)
            {
                throw new AttachException(AttachRefusal.Ended, $"{_target}: the process has ended, or has closed the connection");
            }

            if (count < AnswerSize || BinaryPrimitives.ReadUInt32LittleEndian(answer) != Magic)
            {
                throw new AttachException(AttachRefusal.NoAgent, $"{_target}: what answers is no agent of libftrace");
            }

            int error = BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(8));
            uint of = BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(4));
            int length = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(12)), (uint)(count - AnswerSize));

            // One that is refused is told so before it asks: number 0.
            if (of == number || of == 0)
            {
                return new ControlAnswer(error, Encoding.UTF8.GetString(answer, AnswerSize, length));
            }
        }
    }

    /// <summary>Waits until there is something to receive, or the other end is closed.</summary>
    /// <param name="until">Then the time is over, whatever has come that was no answer.</param>
    /// <returns>False after the time.</returns>
    private bool Await(long until)
    {
        if (AgentSocket.WaitReadable(_socket, Math.Min(Left(until), PatienceMs)))
        {
            return true;
        }

        if (Left(until) == 0)
        {
            return false;
        }

        _end.ExpectLast(true);
        if (!_hasTold)
        {
            _hasTold = true;
            TraceFinish.Print($"{_target}: waits for the process, which {WaitReason.Of(AgentSocket.PeerOf(_socket))}. Ctrl-C ends this command at once");
        }

        bool hasCome = AgentSocket.WaitReadable(_socket, Left(until));
        _end.ExpectLast(!hasCome);
        return hasCome;
    }

    private static int Left(long until) => (int)Math.Max(0, until - Environment.TickCount64);

    private static string? ValueOf(string text, string key)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(key + "=", StringComparison.Ordinal))
            {
                return line[(key.Length + 1)..];
            }
        }

        return null;
    }
}
