using System.Text.Json;
using Ftrace.Tool.Dumps;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format speedscope</c>, to the byte.</summary>
[TestFixture]
public sealed class SpeedscopeDumpTests
{
    [Test]
    public void Everything() => Check(DumpDemo.Everything(), """
        {"$schema":"https://www.speedscope.app/file-format-schema.json",
        "exporter":"libftrace 1.0.0",
        "name":"demo",
        "profiles":[
        {"type":"evented","name":"demo (1000)","unit":"nanoseconds","startValue":0,"endValue":1000,"events":[
        {"type":"O","frame":0,"at":0},
        {"type":"O","frame":1,"at":100},
        {"type":"C","frame":1,"at":200},
        {"type":"O","frame":1,"at":400},
        {"type":"C","frame":1,"at":450},
        {"type":"C","frame":0,"at":1000}]},
        {"type":"evented","name":"wor;ker (1001)","unit":"nanoseconds","startValue":0,"endValue":1000,"events":[
        {"type":"O","frame":2,"at":150},
        {"type":"C","frame":2,"at":250},
        {"type":"O","frame":1,"at":900},
        {"type":"C","frame":1,"at":1000}]},
        {"type":"sampled","name":"samples","unit":"none","startValue":0,"endValue":1,"samples":[
        [0,1]],"weights":[1]}
        ],
        "shared":{"frames":[
        {"name":"main","file":"/bin/demo"},
        {"name":"parse","file":"/bin/demo"},
        {"name":"op\"\\ <a&b>::f(int, 'x')","file":"/bin/demo"}
        ]}}
        """);

    [Test]
    public void Samples() => Check(DumpDemo.Samples(), """
        {"$schema":"https://www.speedscope.app/file-format-schema.json",
        "exporter":"libftrace 1.0.0",
        "name":"demo",
        "profiles":[
        {"type":"sampled","name":"samples","unit":"none","startValue":0,"endValue":3,"samples":[
        [0],
        [0,1]],"weights":[1,2]}
        ],
        "shared":{"frames":[
        {"name":"main","file":"/bin/demo"},
        {"name":"parse","file":"/bin/demo"}
        ]}}
        """);

    /// <summary>More than the buffer of a thread: pieces of the temporary file.</summary>
    [Test]
    public void ManyEvents()
    {
        const int Calls = 1000;

        TraceFileBuilder builder = DumpDemo.Names();
        for (uint i = 0; i < Calls; i++)
        {
            builder.Entry(1, 2000 + 4 * i, 1, DumpDemo.Main).Entry(2, 2001 + 4 * i, 17, DumpDemo.Parse);
            builder.Exit(1, 2002 + 4 * i, 1, DumpDemo.Main).Exit(2, 2003 + 4 * i, 17, DumpDemo.Parse);
        }

        using JsonDocument document = JsonDocument.Parse(DumpDemo.Text(builder, (file, output) => new SpeedscopeDump(file, output)));
        JsonElement profiles = document.RootElement.GetProperty("profiles");
        for (int thread = 0; thread < 2; thread++)
        {
            JsonElement events = profiles[thread].GetProperty("events");
            Assert.That(events.GetArrayLength(), Is.EqualTo(2 * Calls));
            for (int i = 0; i < 2 * Calls; i++)
            {
                Assert.That(events[i].GetProperty("type").GetString(), Is.EqualTo(i % 2 == 0 ? "O" : "C"));
                Assert.That(events[i].GetProperty("frame").GetInt32(), Is.EqualTo(thread));
                Assert.That(events[i].GetProperty("at").GetInt32(), Is.EqualTo(2 * i + thread));
            }
        }
    }

    private static void Check(TraceFileBuilder builder, string expected)
    {
        string text = DumpDemo.Text(builder, (file, output) => new SpeedscopeDump(file, output));
        Assert.That(text, Is.EqualTo(expected + "\n"));
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.That(document.RootElement.GetProperty("profiles").ValueKind, Is.EqualTo(JsonValueKind.Array));
    }
}
