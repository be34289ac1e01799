using System;
using System.Buffers.Binary;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using Ftrace.Tool.Attach;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>A process that has its say, and never answers: the command does not wait for ever.</summary>
public sealed class AgentConnectionTests
{
    private const int AnswerMs = 300;

    [Test]
    public void AnswersThatNobodyAskedForDoNotKeepItWaiting()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ftrace-{Environment.ProcessId}.socket");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var end = new EndRequest();
        bool isOver = false;
        var agent = new Thread(() =>
        {
            using Socket socket = listener.Accept();
            socket.SendTimeout = 100;
            socket.Send(Answer(0)); // to HELLO
            while (!Volatile.Read(ref isOver))
            {
                try
                {
                    socket.Send(Answer(4711));
                }
                catch (SocketException)
                {
                    // It is full, or closed.
                }

                Thread.Sleep(10);
            }
        });
        agent.Start();
        try
        {
            using var connection = new AgentConnection("it", AgentSocket.Connect(path), end, AnswerMs);
            Assert.That(connection.ProcessId, Is.EqualTo(Environment.ProcessId));
            Assert.That(() => Within60s(() => connection.Ask((uint)AgentKind.Stop)), Throws.TypeOf<AttachException>());
            Assert.That(Within60s(() => _ = connection.Close()), Is.True);
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            agent.Join();
            File.Delete(path);
        }
    }

    private static bool Within60s(Action action)
    {
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (AttachException e)
            {
                thrown = e;
            }
        })
        { IsBackground = true };
        thread.Start();
        bool isOver = thread.Join(TimeSpan.FromSeconds(60));
        return thrown == null ? isOver : throw thrown;
    }

    private static byte[] Answer(uint number)
    {
        byte[] answer = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(answer, 0x47415446);
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(4), number);
        return answer;
    }
}
