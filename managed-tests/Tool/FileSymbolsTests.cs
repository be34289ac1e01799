using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Names of functions that the trace has no symbols for: from the file of the object.</summary>
[TestFixture]
public sealed class FileSymbolsTests
{
    private const ulong Load = 0x7f0000000000;
    private const string Source = """
        int plain(int x) { return x + 1; }
        static __attribute__((noinline, used)) int hidden(int x) { return x + 2; }
        int traced(int x) { return hidden(x); }
        """;

    private string _folder = "";

    [OneTimeSetUp]
    public void Compile()
    {
        _folder = Directory.CreateTempSubdirectory("ftrace-symbols-").FullName;
        string source = Path.Combine(_folder, "object.c");
        File.WriteAllText(source, Source);
        foreach ((string name, string options) in (ReadOnlySpan<(string, string)>)[("full.so", ""), ("stripped.so", "-s"), ("other.so", "-Wl,--build-id=0x1234")])
        {
            Run("gcc", $"-shared -fPIC -O1 -Wl,--build-id=0xabcdef01 {options} -o {Path.Combine(_folder, name)} {source}");
        }
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void AllFunctionsOfTheFileAreKnown()
    {
        using TraceFile file = Trace("full.so", out ulong plain, out ulong hidden, out ulong traced);
        Assert.That(NameAt(file, plain), Is.EqualTo("plain"));
        Assert.That(NameAt(file, plain + 1), Is.EqualTo("plain"));
        Assert.That(NameAt(file, hidden + 1), Is.EqualTo("hidden"));
        Assert.That(file.Symbols.FunctionAt(hidden, 1), Is.EqualTo(file.Symbols.FunctionAt(hidden + 1, 1)));
    }

    /// <summary>The trace has the address of its nop, which can be after the beginning.</summary>
    [Test]
    public void AFunctionThatCanBeTracedIsOne()
    {
        using TraceFile file = Trace("full.so", out _, out _, out ulong traced);
        int function = file.Symbols.FunctionAt(traced + 2, 1);
        Assert.That(file.Symbols.FunctionAt(traced, 1), Is.EqualTo(function));
        Assert.That(file.Symbols.FunctionAt(traced + 3, 1), Is.EqualTo(function));
        Assert.That(file.Symbols.NameText(function), Is.EqualTo("the trace's name"));
    }

    [Test]
    public void AStrippedFileHasTheOthersOnly()
    {
        using TraceFile file = Trace("stripped.so", out ulong plain, out ulong hidden, out _);
        Assert.That(NameAt(file, plain + 1), Is.EqualTo("plain"));
        Assert.That(NameAt(file, hidden + 1), Does.StartWith("stripped.so+0x"));
    }

    [Test]
    public void AnotherFileOfThatNameIsNotUsed()
    {
        using TraceFile file = Trace("other.so", out ulong plain, out _, out _);
        Assert.That(NameAt(file, plain + 1), Does.StartWith("other.so+0x"));
    }

    [Test]
    public void WhatIsNoFileIsNotOpened()
    {
        string pipe = Path.Combine(_folder, "pipe");
        Run("mkfifo", pipe);
        foreach (string path in (string[])[pipe, _folder, "/dev/zero", "object.c", "", "/nonexistent", "/a\0b", Path.Combine(_folder, "object.c")])
        {
            using var saved = new TemporaryFile(new TraceFileBuilder().Object(1, 0, Load, Load + 0x100000, Load, path, "\u0001\u0002"));
            using TraceFile file = TraceFile.Open(saved.Path);
            Assert.That(NameAt(file, Load + 16), Does.EndWith("+0x10"), path);
        }
    }

    /// <summary>A trace with one symbol, two bytes after the beginning of its function.</summary>
    private TraceFile Trace(string name, out ulong plain, out ulong hidden, out ulong traced)
    {
        ulong[] addresses = [.. new[] { "plain", "hidden", "traced" }.Select(symbol =>
        {
            string line = Run("nm", Path.Combine(_folder, "full.so")).Split('\n').Single(l => l.EndsWith(" " + symbol, StringComparison.Ordinal));
            return Load + Convert.ToUInt64(line.Split(' ')[0], 16);
        })];
        (plain, hidden, traced) = (addresses[0], addresses[1], addresses[2]);
        // A build id has any bytes, and texts here are UTF-8: a record of its own fields.
        byte[] path = Encoding.UTF8.GetBytes(Path.Combine(_folder, name));
        var builder = new TraceFileBuilder();
        byte[] record = new byte[(56 + 4 + path.Length + 7) & ~7];
        ulong[] words = [(uint)record.Length + (3UL << 32), 1, 0, Load, Load + 0x100000, Load, 4 + ((ulong)(uint)path.Length << 32)];
        Buffer.BlockCopy(words, 0, record, 0, 56);
        ((byte[])[0xab, 0xcd, 0xef, 0x01]).CopyTo(record, 56);
        path.CopyTo(record, 60);
        builder.RawRecord(record).Symbols(1, (traced + 2, 0, "the trace's name"));
        using var saved = new TemporaryFile(builder);
        return TraceFile.Open(saved.Path);
    }

    private static string NameAt(TraceFile file, ulong address) => file.Symbols.NameText(file.Symbols.FunctionAt(address, 1));

    private static string Run(string program, string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {arguments}");
        return output;
    }
}
