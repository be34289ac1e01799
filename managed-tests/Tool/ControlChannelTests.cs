using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Ftrace.Record;
using Ftrace.Tool.Control;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>A process whose trace file is not what it says: the command must neither end nor write to what is another one's.</summary>
public sealed class ControlChannelTests
{
    [Test]
    public void AFileThatIsTruncatedIsAnError()
    {
        using var file = new TemporaryFile(Page(Environment.ProcessId));
        using var channel = new ControlChannel(file.Path);
        using (FileStream stream = File.OpenWrite(file.Path))
        {
            stream.SetLength(0);
        }

        Assert.That(() => channel.Ask(ControlKind.Status), Throws.TypeOf<ControlException>().With.Message.Contains("truncated"));
        Assert.That(new FileInfo(file.Path).Length, Is.Zero);
    }

    [Test]
    public void ARequestIsAnswered()
    {
        using var file = new TemporaryFile(Page(Environment.ProcessId));
        using var channel = new ControlChannel(file.Path);
        int stream = Libc.Open(file.Path, Libc.O_RDWR); // a FileStream would lock it
        var library = new Thread(() =>
        {
            SpinWait.SpinUntil(() => ReadPage(stream).Requested == 1, TimeSpan.FromSeconds(30));
            ControlPage page = ReadPage(stream);
            page.Error = (int)page.Kind;
            page.AnswerLength = page.Length;
            unsafe
            {
                new ReadOnlySpan<byte>(page.Text, (int)page.Length).CopyTo(new Span<byte>(page.AnswerText, (int)page.Length));
            }

            page.Answered = page.Requested;
            WritePage(stream, page);
        });
        library.Start();
        try
        {
            Assert.That(channel.Ask(ControlKind.Filter, "a;b"), Is.EqualTo(new ControlAnswer((int)ControlKind.Filter, "a;b")));
        }
        finally
        {
            library.Join();
            Libc.Close(stream);
        }
    }

    /// <summary>A process of another user may be able to read a trace file, and no more; root would write to it.</summary>
    [TestCase("<", false)]
    [TestCase(">>", false)]
    [TestCase("<>", true)]
    public void AFileThatTheProcessCannotWriteIsNotItsTrace(string redirection, bool isFound)
    {
        using var file = new TemporaryFile(Page(0));
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec 5{redirection}'{file.Path}'; echo $$; read line"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            int id = int.Parse(shell.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
            File.WriteAllBytes(file.Path, Page(id));
            if (!isFound)
            {
                Assert.That(() => ControlTarget.Open($"{shell.Id}"), Throws.TypeOf<ControlException>().With.Message.Contains("is not being recorded"));
                return;
            }

            int found = ControlTarget.Open($"{shell.Id}");
            Assert.That(found, Is.GreaterThanOrEqualTo(0));
            Libc.Close(found);
        }
        finally
        {
            shell.StandardInput.Close();
            shell.WaitForExit();
        }
    }

    private static unsafe ControlPage ReadPage(int file)
    {
        ControlPage page;
        Libc.ReadAt(file, &page, sizeof(ControlPage), 0);
        return page;
    }

    private static unsafe void WritePage(int file, ControlPage page) => Libc.WriteAt(file, &page, sizeof(ControlPage), 0);

    private static unsafe byte[] Page(int pid)
    {
        ControlPage page = default;
        *(TraceFileHeader*)&page = new TraceFileHeader { Magic = TraceFileHeader.MagicNumber, Version = 1, Pid = (uint)pid, State = TraceFileHeader.Recording };
        page.Magic = ControlPage.MagicNumber;
        page.Version = ControlPage.CurrentVersion;
        return MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref page, 1)).ToArray();
    }
}
