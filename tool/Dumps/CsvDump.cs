using System;
using System.Collections.Generic;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>A line for each call, in the order of their ends: RFC 4180, with a line of names first.</summary>
internal sealed class CsvDump(TraceFile file, Utf8Output output) : Dump(file)
{
    private byte[]?[] _names = new byte[1024][];

    public override bool NeedsHiddenCalls => false;

    public override void Begin(ulong time, IReadOnlyList<TraceThread> threads) => output.Write("thread,tid,start_ns,duration_ns,self_ns,depth,function,end\n"u8);

    public override void OnCall(in FinishedCall call)
    {
        ulong end = File.Clock.ToMonotonic(call.End);
        ulong duration = File.Clock.Between(call.Start, call.End);
        WriteThread(call.Thread);
        if (call.HasBeginning)
        {
            output.Write(end - duration).Write((byte)',').Write(duration).Write((byte)',');
            output.Write(duration - Math.Min(duration, File.Clock.Between(call.Start, call.Start + call.InCallees)));
        }
        else
        {
            output.Write(",,"u8);
        }

        output.Write((byte)',').Write((ulong)call.Depth).Write((byte)',').Write(Name(File.Symbols.FunctionAt(call.Address, call.HasBeginning ? call.Start : call.End)));
        output.Write(Ending(in call)).Line();
    }

    public override void OnEntry(int thread, ulong time, int function)
    {
        WriteThread(thread);
        output.Write(time).Write(",,,0,"u8).Write(Name(function)).Write(",not traced\n"u8);
    }

    public override void End(ulong time)
    {
    }

    private static ReadOnlySpan<byte> Ending(in FinishedCall call) => call.How switch
    {
        CallEnd.Returned when !call.HasBeginning => ",returned; entry not seen"u8,
        CallEnd.Returned => ",returned"u8,
        CallEnd.Tail => ",tail call"u8,
        CallEnd.Unwound => ",unwound"u8,
        CallEnd.NotSeen => ",not seen"u8,
        _ => ",unfinished"u8,
    };

    private void WriteThread(int thread)
    {
        output.Write((ulong)File.Threads[thread].Number).Write((byte)',').Write((ulong)File.Threads[thread].Id).Write((byte)',');
    }

    private byte[] Name(int function)
    {
        if (function >= _names.Length)
        {
            Array.Resize(ref _names, Math.Max(_names.Length * 2, function + 1));
        }

        return _names[function] ??= Quote(Encoding.UTF8.GetString(Symbols.Name(function)));
    }

    private static byte[] Quote(string name)
    {
        bool isPlain = name.AsSpan().IndexOfAny(",\"\r\n") < 0;
        return Encoding.UTF8.GetBytes(isPlain ? name : $"\"{name.Replace("\"", "\"\"")}\"");
    }
}
