using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>
/// A function a line, with the object's name in brackets unless it is the program, as available_filter_functions of the kernel. Lines that
/// begin with # say what was counted, and why the rest cannot be traced.
/// </summary>
internal sealed class TextListWriter(Stream output, ListOptions options) : IListWriter
{
    private const int MostNames = 8;

    private readonly Utf8Output _text = new(output);
    private readonly List<string> _summary = [];
    private readonly List<string> _others = [];
    private ListedObject? _object;

    public void Begin()
    {
    }

    public void BeginObject(ListedObject target, ObjectFunctions functions, bool isStatic)
    {
        _object = target;
        if (!functions.IsForTracing && !target.IsProgram)
        {
            _others.Add(target.Name);
            return;
        }

        _summary.Add($"{target.Path}: functions that can be traced: {functions.Traceable}");
        foreach (ListReason reason in ListReason.Of(functions))
        {
            string count = reason.Count == 0 ? "functions" : $"{reason.Count}";
            _summary.Add($"    {count} {reason.Text}; {reason.Remedy}");
        }

        if (functions.IsStripped && functions.Traceable == 0)
        {
            _summary.Add("    it is stripped, so there may be more functions without room");
        }

        if (isStatic)
        {
            _summary.Add("    it is statically linked, so ftrace record cannot load the library into it; link it without -static");
        }
    }

    public void Write(ListedFunction function, byte[] name)
    {
        if (name.Length == 0)
        {
            _text.Write("0x"u8).WriteHex(function.Address);
        }
        else
        {
            _text.Write(CleanText.Of(Encoding.UTF8.GetString(name)));
        }

        if (!_object!.IsProgram)
        {
            _text.Write(" ["u8).Write(_object.Name).Write("]"u8);
        }

        if (options.All && !function.IsTraceable)
        {
            _text.Write(" # "u8).Write(ReasonOf(function.State));
        }

        _text.Line();
    }

    public void EndObject()
    {
    }

    public void End(IReadOnlyList<string> failures)
    {
        foreach (string line in _summary)
        {
            _text.Write("# "u8).Write(line).Line();
        }

        if (_others.Count != 0)
        {
            string names = string.Join(", ", _others.GetRange(0, Math.Min(_others.Count, MostNames)));
            _text.Write("# not compiled for tracing: "u8).Write(names).Write(_others.Count > MostNames ? ", ..." : "").Line();
        }

        foreach (string failure in failures)
        {
            _text.Write("# "u8).Write(failure).Line();
        }

        _text.Flush();
    }

    private static string ReasonOf(Traceability state) => state switch
    {
        Traceability.TooFewNops => "fewer than five bytes of nops",
        Traceability.NotListed => "not in the compiler's list",
        _ => "no room for a call",
    };
}
