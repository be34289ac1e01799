using System;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>What the layouts of a report have in common.</summary>
internal sealed class ReportWriter(TraceFile file, ReportOptions options, Utf8Output output)
{
    private static readonly char[] s_text = new char[4096];

    public TraceFile File { get; } = file;

    public ReportOptions Options { get; } = options;

    public Utf8Output Output { get; } = output;

    public TimeColumn Time { get; } = new(file, options.Utc);

    public TaskNames Tasks { get; } = new(file);

    public bool Shows(ulong time) => time >= Options.From && time <= Options.To;

    /// <summary>Writes the name of the function at an address.</summary>
    public void WriteFunction(ulong address, ulong time) => Output.Write(NameAt(address, time));

    /// <summary>
    /// Writes a call: C++ names have their parameters with them, others get an empty list.
    /// </summary>
    public void WriteCall(ulong address, ulong time)
    {
        ReadOnlySpan<byte> name = NameAt(address, time);
        Output.Write(name);
        if (name.IndexOf((byte)'(') < 0)
        {
            Output.Write("()"u8);
        }
    }

    /// <summary>Writes what a sample has: where the thread was, and its callers, innermost first.</summary>
    public void WriteSample(in TraceEvent e)
    {
        WriteFunction(e.Address, e.Time);
        int frames = e.FrameCount;
        int count = frames != 0 ? frames : e.CallCount;
        for (int i = 0; i < count; i++)
        {
            WriteCaller(frames != 0 ? e.Frame(i) : e.TracedCall(i), e.Time);
        }
    }

    /// <summary>Writes the function that a return address is in.</summary>
    public void WriteCaller(ulong address, ulong time)
    {
        // After a call that does not return, the address can be that of the next function.
        bool isKnown = File.Symbols.HasSymbol(File.Symbols.FunctionAt(address - 1, time));
        Output.Write(" <-"u8);
        WriteFunction(isKnown ? address - 1 : address, time);
    }

    /// <summary>Writes the text of a mark, without what a terminal would obey, and on one line.</summary>
    public void WriteText(ReadOnlySpan<byte> text)
    {
        text = text.TrimEnd((byte)'\n');
        if (text.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e) < 0)
        {
            Output.Write(text);
            return;
        }

        int length = Encoding.UTF8.GetChars(text, s_text);
        foreach (ref char c in s_text.AsSpan(0, length))
        {
            c = char.IsControl(c) ? '\ufffd' : c;
        }

        Output.Write(s_text.AsSpan(0, length));
    }

    /// <summary>Writes how many events were lost.</summary>
    public void WriteLost(in TraceEvent e)
    {
        Output.Write("[LOST "u8).Write(e.Address).Write(e.Kind == EventKind.Gap ? " BLOCKS]"u8 : " EVENTS]"u8);
    }

    private ReadOnlySpan<byte> NameAt(ulong address, ulong time)
    {
        int function = File.Symbols.FunctionAt(address, time);
        return Options.Mangled ? File.Symbols.RawName(function) : File.Symbols.Name(function);
    }
}
