using System.Text.Json;
using Ftrace.Tool.Dumps;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format chrome</c>, to the byte.</summary>
[TestFixture]
public sealed class ChromeDumpTests
{
    [Test]
    public void Everything() => Check(DumpDemo.Everything(), """
        {"traceEvents":[
        {"ph":"M","name":"process_name","pid":1000,"tid":1000,"args":{"name":"demo"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1000,"args":{"name":"demo"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1001,"args":{"name":"wor;ker"}},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.000,"cat":"function","name":"main"},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.100,"cat":"function","name":"parse"},
        {"ph":"B","pid":1000,"tid":1001,"ts":2.150,"cat":"function","name":"op\"\\ <a&b>::f(int, 'x')"},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.200},
        {"ph":"E","pid":1000,"tid":1001,"ts":2.250,"args":{"end":"unwound"}},
        {"ph":"i","s":"t","pid":1000,"tid":1000,"ts":2.300,"cat":"mark","name":"a\"\\<\u0001�é!"},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.400,"cat":"function","name":"parse"},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.450,"args":{"end":"tail call"}},
        {"ph":"i","s":"t","pid":1000,"tid":1000,"ts":2.500,"cat":"function","name":"parse"},
        {"ph":"i","s":"t","pid":1000,"tid":1001,"ts":2.600,"cat":"lost","name":"events lost","args":{"events":3}},
        {"ph":"i","s":"p","pid":1000,"tid":1000,"ts":2.700,"cat":"recorder","name":"recording on"},
        {"ph":"i","s":"t","pid":1000,"tid":1000,"ts":2.800,"cat":"sample","name":"sample","args":{"stack":["main","parse"]}},
        {"ph":"B","pid":1000,"tid":1001,"ts":2.900,"cat":"function","name":"parse"},
        {"ph":"E","pid":1000,"tid":1000,"ts":3.000},
        {"ph":"E","pid":1000,"tid":1001,"ts":3.000,"args":{"end":"unfinished"}}
        ],
        "displayTimeUnit":"ns",
        "otherData":{"clock":"CLOCK_MONOTONIC",
        "executable":"/bin/demo",
        "arguments":"demo -x \"y\"",
        "host":"host",
        "recorded by":"libftrace 1.0.0",
        "events lost":3}}
        """);

    [Test]
    public void BeginningCut() => Check(DumpDemo.Cut(), """
        {"traceEvents":[
        {"ph":"M","name":"process_name","pid":1000,"tid":1001,"args":{"name":"demo"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1001,"args":{"name":"wor;ker"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1000,"args":{"name":"demo"}},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.000,"cat":"function","name":"main","args":{"begin":"not seen"}},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.000,"cat":"function","name":"op\"\\ <a&b>::f(int, 'x')","args":{"begin":"not seen"}},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.000,"cat":"function","name":"parse"},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.010},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.050},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.100}
        ],
        "displayTimeUnit":"ns",
        "otherData":{"clock":"CLOCK_MONOTONIC",
        "executable":"/bin/demo",
        "arguments":"demo -x \"y\"",
        "host":"host",
        "recorded by":"libftrace 1.0.0",
        "events lost":0}}
        """);

    [Test]
    public void Stacks() => Check(DumpDemo.Stacks(), """
        {"traceEvents":[
        {"ph":"M","name":"process_name","pid":1000,"tid":1001,"args":{"name":"demo"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1001,"args":{"name":"wor;ker"}},
        {"ph":"M","name":"thread_name","pid":1000,"tid":1000,"args":{"name":"demo"}},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.000,"cat":"function","name":"main"},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.010,"cat":"function","name":"parse"},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.030,"args":{"end":"continues"}},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.030},
        {"ph":"B","pid":1000,"tid":1000,"ts":2.030,"cat":"function","name":"parse","args":{"begin":"continued"}},
        {"ph":"E","pid":1000,"tid":1000,"ts":2.060}
        ],
        "displayTimeUnit":"ns",
        "otherData":{"clock":"CLOCK_MONOTONIC",
        "executable":"/bin/demo",
        "arguments":"demo -x \"y\"",
        "host":"host",
        "recorded by":"libftrace 1.0.0",
        "events lost":0}}
        """);

    [Test]
    public void Nothing() => Check(new TraceFileBuilder(), """
        {"traceEvents":[

        ],
        "displayTimeUnit":"ns",
        "otherData":{"clock":"CLOCK_MONOTONIC",
        "executable":"",
        "arguments":"",
        "host":"",
        "recorded by":"libftrace 1.0.0",
        "events lost":0}}
        """);

    private static void Check(TraceFileBuilder builder, string expected)
    {
        string text = DumpDemo.Text(builder, (file, output) => new ChromeDump(file, output));
        Assert.That(text, Is.EqualTo(expected + "\n"));
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.That(document.RootElement.GetProperty("traceEvents").ValueKind, Is.EqualTo(JsonValueKind.Array));
    }
}
