using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format uftrace</c>: its files, and what uftrace says about them.</summary>
[TestFixture]
public sealed partial class UftraceDumpTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("ftrace-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Files()
    {
        Write(DumpDemo.Everything());
        Assert.That(Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal), Is.EqualTo([
            "1000.dat", "1001.dat", "demo.sym", "extern.dat", "info", "sid-00000000000007d0.map", "task.txt"]));
        Assert.That(Text("task.txt"), Is.EqualTo("""
            SESS timestamp=0.000002000 pid=1000 sid=00000000000007d0 exename="/bin/demo"
            TASK timestamp=0.000002000 tid=1000 pid=1000
            TASK timestamp=0.000002000 tid=1001 pid=1000

            """));
        Assert.That(Text("demo.sym"), Is.EqualTo("""
            # symbols: 3
            # path name: /bin/demo
            # build-id: 6162
            0000000000001000 T main
            0000000000001100 T parse
            0000000000001200 T op"\ <a&b>::f(int, 'x')
            0000000000001300 ? __sym_end

            """));
        Assert.That(Text("extern.dat"), Is.EqualTo("0.000002300 a\"\\<\ufffd\ufffdé!\n"));
        Assert.That(Text("sid-00000000000007d0.map").Split('\n')[0], Does.Match("^000000400000-000000500000 r-xp .* /bin/demo build-id:6162$"));
    }

    [Test]
    public void Report()
    {
        Write(DumpDemo.Everything());
        Assert.That(Spaces().Replace(Peer("report"), " "), Is.EqualTo(Spaces().Replace("""
              Total time   Self time       Calls  Function
              ==========  ==========  ==========  ====================
              1.000 us    0.850 us           1  main
              0.250 us    0.250 us           4  parse
              0.100 us    0.100 us           1  op"\ <a&b>::f(int, 'x')
            """, " ")));
    }

    [Test]
    public void Replay()
    {
        Write(DumpDemo.Everything());
        Assert.That(Peer("replay", "--event-full"), Is.EqualTo("""
            # DURATION     TID     FUNCTION
                        [  1000] | main() {
                        [  1000] |   parse() {
                        [  1001] | op"\ <a&b>::f(int, 'x') {
               0.100 us [  1000] |   } /* parse */
               0.100 us [  1001] | } /* op"\ <a&b>::f(int, 'x') */
                        [  1001] | /* external-data: a"\<��é! */
               0.050 us [  1000] |   parse();
                        [  1000] |   parse();
                        [  1001] | parse() {
               1.000 us [  1000] | } /* main */
               0.100 us [  1001] | } /* parse */
            """));
    }

    /// <summary>An object that is opened where another one was has addresses of its own.</summary>
    [Test]
    public void SameAddress()
    {
        Write(DumpDemo.Names()
            .Object(2, 1000, 0x600000, 0x700000, 0x600000, "/lib/a.so")
            .Symbols(2, (0x601000, 0x10, "first"))
            .ObjectClosed(2, 2500)
            .Object(3, 2600, 0x600000, 0x680000, 0x600000, "/opt/a.so")
            .Symbols(3, (0x601000, 0x10, "second"))
            .Entry(1, 2000, 1, 0x601000)
            .Exit(1, 2400, 1, 0x601000)
            .Entry(1, 2700, 1, 0x601000)
            .Exit(1, 2800, 1, 0x601000)
            .Entry(1, 2900, 1, 0x901000)
            .Exit(1, 2950, 1, 0x901000));
        Assert.That(Text("a.so.sym"), Does.Contain("1000 T first"));
        Assert.That(Text("a.so.2.sym"), Does.Contain("1000 T second"));
        string report = Spaces().Replace(Peer("report", "-f", "call"), " ");
        Assert.That(report, Does.Contain("first").And.Contain("second").And.Contain("0x901000"));
    }

    [Test]
    public void TooDeep()
    {
        TraceFileBuilder builder = DumpDemo.Names();
        for (ushort i = 0; i < 1030; i++)
        {
            builder.Entry(1, 2000u + i, (ushort)((i / 15 * 16) + i % 15 + 1), DumpDemo.Parse);
        }

        Assert.That(Write(builder), Is.EqualTo(6));
        Assert.That(new FileInfo(Path.Combine(_directory, "1000.dat")).Length, Is.EqualTo(2 * 1024 * 16));
    }

    /// <summary>Returns how many calls were left out.</summary>
    private ulong Write(TraceFileBuilder builder)
    {
        using var temporary = new TemporaryFile(builder);
        using TraceFile file = TraceFile.Open(temporary.Path);
        using var dump = new UftraceDump(file, _directory);
        SliceReader.Run(file, dump);
        return dump.LeftOut;
    }

    private string Text(string name) => File.ReadAllText(Path.Combine(_directory, name), new UTF8Encoding(false, throwOnInvalidBytes: true));

    private string Peer(string command, params string[] arguments) =>
        PeerTool.Run("uftrace", "uftrace", null, [command, "--no-pager", "--color=no", "-d", _directory, .. arguments]).Trim('\n');

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
