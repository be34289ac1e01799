using System.Collections.Generic;
using System.IO;
using System.Text;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What <see cref="TraceFile"/> reads.</summary>
[TestFixture]
public sealed class TraceReaderTests
{
    private const ulong F = 0x401000;
    private const ulong G = 0x401100;

    private string _path = "";

    [SetUp]
    public void MakePath() => _path = Path.Combine(Path.GetTempPath(), $"ftrace-{Path.GetRandomFileName()}.data");

    [TearDown]
    public void RemoveFile() => File.Delete(_path);

    [Test]
    public void EverythingIsRead()
    {
        using TraceFile file = Open(new TraceFileBuilder { Start = [1000, 1000, 5000] }
            .Process(1000, 1, 1000, "/bin/demo", ["demo", "-x"], "/tmp", "host")
            .Object(1, 1000, 0x400000, 0x500000, 0x400000, "/bin/demo", "abcd")
            .Symbols(1, (F, 0x100, "f"), (G, 0x100, "_ZN3foo3barEi"))
            .ThreadName(7, 1001, 1000, "worker")
            .Options("filter=*\ndepth=3\n")
            .Entry(7, 1010, 1, F)
            .Entry(7, 1020, 2, G)
            .Mark(7, 1025, "hello, this text has more than fifteen bytes")
            .Exit(7, 1030, 2, G)
            .Exit(7, 1040, 1, F));
        Assert.That(file.Process.Executable, Is.EqualTo("/bin/demo"));
        Assert.That(file.Process.Arguments, Is.EqualTo(["demo", "-x"]));
        Assert.That(file.Process.HostName, Is.EqualTo("host"));
        Assert.That(file.Options["depth"], Is.EqualTo("3"));
        Assert.That(file.Threads[0].Name, Is.EqualTo("worker"));
        Assert.That(file.Symbols.NameText(file.Symbols.FunctionAt(F, 1010)), Is.EqualTo("f"));
        Assert.That(Events(file), Is.EqualTo([
            "1010 Entry 1 401000", "1020 Entry 2 401100", "1025 Mark hello, this text has more than fifteen bytes",
            "1030 Exit 2 401100", "1040 Exit 1 401000"]));
    }

    private TraceFile Open(TraceFileBuilder builder) => TraceFile.Open(builder.Save(_path));

    private static List<string> Events(TraceFile file)
    {
        var list = new List<string>();
        using MergedEvents events = file.ReadMerged();
        while (events.Next())
        {
            ref readonly TraceEvent e = ref events.Current;
            list.Add(e.Kind switch
            {
                EventKind.Mark => $"{e.Time} Mark {Encoding.UTF8.GetString(e.Data)}",
                EventKind.Lost or EventKind.Gap or EventKind.Switched => $"{e.Time} {e.Kind} {e.Address}",
                EventKind.Sample or EventKind.FunctionEntry => $"{e.Time} {e.Kind} {e.Address:x}",
                _ => $"{e.Time} {e.Kind} {e.Call} {e.Address:x}",
            });
        }

        return list;
    }
}
