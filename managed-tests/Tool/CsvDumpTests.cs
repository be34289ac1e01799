using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary><c>ftrace dump --format csv</c>, to the byte.</summary>
[TestFixture]
public sealed class CsvDumpTests
{
    [Test]
    public void Everything() => Check(DumpDemo.Everything(), """
        thread,tid,start_ns,duration_ns,self_ns,depth,function,end
        1,1000,2100,100,100,1,parse,returned
        2,1001,2150,100,100,0,"op""\ <a&b>::f(int, 'x')",unwound
        1,1000,2400,50,50,1,parse,tail call
        1,1000,2500,,,0,parse,not traced
        1,1000,2000,1000,850,0,main,returned
        2,1001,2900,100,100,0,parse,unfinished

        """);

    [Test]
    public void BeginningCut() => Check(DumpDemo.Cut(), """
        thread,tid,start_ns,duration_ns,self_ns,depth,function,end
        1,1000,2000,10,10,0,parse,returned
        1,1000,,,,0,"op""\ <a&b>::f(int, 'x')",returned; entry not seen
        1,1000,,,,0,main,returned; entry not seen

        """);

    /// <summary>A line for a call, not for a slice.</summary>
    [Test]
    public void Stacks() => Check(DumpDemo.Stacks(), """
        thread,tid,start_ns,duration_ns,self_ns,depth,function,end
        1,1000,2000,30,30,0,main,returned
        1,1000,2010,50,50,1,parse,returned

        """);

    /// <summary>Calls that end in the range have all their time; of the others, those that begin in it are there.</summary>
    [Test]
    public void Range()
    {
        string text = DumpDemo.Text(DumpDemo.Everything(), (file, output) => new CsvDump(file, output), _ => new EventSelection { From = 2150, To = 2420 });
        Assert.That(text, Is.EqualTo("""
            thread,tid,start_ns,duration_ns,self_ns,depth,function,end
            1,1000,2100,100,100,1,parse,returned
            2,1001,2150,100,100,0,"op""\ <a&b>::f(int, 'x')",unwound
            1,1000,2400,20,20,1,parse,unfinished

            """));
    }

    private static void Check(TraceFileBuilder builder, string expected) =>
        Assert.That(DumpDemo.Text(builder, (file, output) => new CsvDump(file, output)), Is.EqualTo(expected));
}
