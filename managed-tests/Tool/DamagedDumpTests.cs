using System;
using System.IO;
using System.Text.Json;
using System.Xml.Linq;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>Whatever is in a file, each format writes what it can, and what it writes is well-formed.</summary>
[TestFixture]
public sealed class DamagedDumpTests
{
    private const int Rounds = 20;

    private static readonly Func<TraceFile, Utf8Output, Dump>[] s_json =
    [
        (file, output) => new ChromeDump(file, output),
        (file, output) => new SpeedscopeDump(file, output),
    ];

    private static readonly Func<TraceFile, Utf8Output, Dump>[] s_text =
    [
        (file, output) => new FoldedDump(file, output),
        (file, output) => new CsvDump(file, output),
    ];

    [Test]
    public void RandomBytes([Range(1, 6)] int seed)
    {
        var random = new Random(seed);
        byte[] whole = seed % 2 == 0 ? DumpDemo.Everything().ToArray() : DumpDemo.Cut().ToArray();
        int read = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = (byte[])whole.Clone();
            for (int i = random.Next(1, 20); i > 0; i--)
            {
                damaged[Place(random, damaged)] = (byte)random.Next(256);
            }

            read += Dump(damaged) ? 1 : 0;
        }

        Assert.That(read, Is.GreaterThan(Rounds / 2), "most of them can be opened");
    }

    /// <summary>Mostly where something is.</summary>
    private static int Place(Random random, byte[] bytes)
    {
        int place = random.Next(bytes.Length);
        for (int i = 0; i < 100 && bytes[place] == 0; i++)
        {
            place = random.Next(128, bytes.Length);
        }

        return place;
    }

    /// <summary>False: it is no trace.</summary>
    private static bool Dump(byte[] bytes)
    {
        using var temporary = new TemporaryFile(bytes);
        try
        {
            TraceFile.Open(temporary.Path).Dispose();
        }
        catch (TraceFileException)
        {
            return false;
        }

        foreach (var create in s_json)
        {
            using JsonDocument document = JsonDocument.Parse(Write(temporary.Path, create));
        }

        foreach (var create in s_text)
        {
            Write(temporary.Path, create);
        }

        using var svg = new MemoryStream(Write(temporary.Path, (file, output) => new SvgDump(file, output)));
        XDocument.Load(svg);
        using (TraceFile file = TraceFile.Open(temporary.Path))
        {
            SliceReader.Run(file, new PerfettoDump(file, Stream.Null));
        }

        string directory = Directory.CreateTempSubdirectory("ftrace-").FullName;
        try
        {
            using TraceFile file = TraceFile.Open(temporary.Path);
            using var dump = new UftraceDump(file, directory);
            SliceReader.Run(file, dump);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return true;
    }

    private static byte[] Write(string path, Func<TraceFile, Utf8Output, Dump> create)
    {
        using TraceFile file = TraceFile.Open(path);
        using var stream = new MemoryStream();
        using (var output = new Utf8Output(stream))
        {
            Dump dump = create(file, output);
            using var resources = dump as IDisposable;
            SliceReader.Run(file, dump);
        }

        return stream.ToArray();
    }
}
