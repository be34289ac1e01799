using System.IO;
using Ftrace.Tool.Commands;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>What <c>ftrace dump -o OUT</c> replaces, and what it does not.</summary>
[TestFixture]
public sealed class DumpOutputTests
{
    private string _directory = "";
    private string _input = "";
    private string _output = "";

    [SetUp]
    public void MakeDirectory()
    {
        _directory = Directory.CreateTempSubdirectory("ftrace-").FullName;
        _input = Path.Combine(_directory, "in");
        _output = Path.Combine(_directory, "out");
        File.WriteAllText(_input, "input");
    }

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void NewFile()
    {
        Write(_output, isForced: false);
        Assert.That(File.ReadAllText(_output), Is.EqualTo("new"));
    }

    [Test]
    public void ExistingFileStays()
    {
        File.WriteAllText(_output, "old");
        Assert.That(() => Write(_output, isForced: false), Throws.TypeOf<CommandFailure>().With.Message.EqualTo($"{_output}: exists; give another name, or --force"));
        Assert.That(File.ReadAllText(_output), Is.EqualTo("old"));
        Write(_output, isForced: true);
        Assert.That(File.ReadAllText(_output), Is.EqualTo("new"));
    }

    /// <summary>A failure leaves what was there, and nothing else.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public void FailureLeavesNothing(bool exists)
    {
        if (exists)
        {
            File.WriteAllText(_output, "old");
        }

        Assert.That(
            () => DumpOutput.Write(_output, _input, true, stream => Fail(stream)), Throws.TypeOf<IOException>());
        Assert.That(Directory.GetFiles(_directory), Has.Length.EqualTo(exists ? 2 : 1));
        Assert.That(exists ? File.ReadAllText(_output) : "old", Is.EqualTo("old"));
    }

    [Test]
    public void NoSuchDirectory()
    {
        string path = Path.Combine(_directory, "none", "out");
        Assert.That(() => Write(path, isForced: false), Throws.TypeOf<CommandFailure>().With.Message.EqualTo($"{path}: cannot be written: there is no such directory"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void InputIsNotReplaced(bool byLink)
    {
        string name = _input;
        if (byLink)
        {
            File.CreateSymbolicLink(_output, _input);
            name = _output;
        }

        Assert.That(() => Write(name, isForced: true), Throws.TypeOf<CommandFailure>().With.Message.Contains("is the file to read"));
        Assert.That(File.ReadAllText(_input), Is.EqualTo("input"));
    }

    [Test]
    public void DirectoryIsReplacedIfItIsUftraces()
    {
        WriteDirectory(isForced: false);
        Assert.That(() => WriteDirectory(isForced: false), Throws.TypeOf<CommandFailure>());
        File.WriteAllText(Path.Combine(_output, "1.dat"), "old");
        WriteDirectory(isForced: true);
        Assert.That(Directory.GetFiles(_output), Is.EqualTo([Path.Combine(_output, "info")]));
        File.WriteAllText(Path.Combine(_output, "info"), "something else");
        Assert.That(() => WriteDirectory(isForced: true), Throws.TypeOf<CommandFailure>().With.Message.Contains("not a data directory of uftrace"));
        Assert.That(File.ReadAllText(Path.Combine(_output, "info")), Is.EqualTo("something else"));
    }

    private void Write(string path, bool isForced) => DumpOutput.Write(path, _input, isForced, stream => stream.Write("new"u8));

    private void WriteDirectory(bool isForced) =>
        DumpOutput.WriteDirectory(_output, isForced, path => File.WriteAllText(Path.Combine(path, "info"), "Ftrace!\0"));

    private static void Fail(Stream stream)
    {
        stream.Write("part"u8);
        throw new IOException("no space");
    }
}
