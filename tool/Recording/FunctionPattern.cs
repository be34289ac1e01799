using System;
using System.Runtime.InteropServices;
using System.Text;
using Ftrace.Names;
using Ftrace.Trace;

namespace Ftrace.Tool.Recording;

/// <summary>A pattern of functions, with the syntax of ftrace_set_filter().</summary>
internal sealed unsafe class FunctionPattern
{
    private readonly byte[] _text;
    private readonly TraceRule _rule;

    /// <exception cref="RecordingException">It is none.</exception>
    public FunctionPattern(string pattern)
    {
        _text = GC.AllocateArray<byte>(Encoding.UTF8.GetByteCount(pattern) + 1, pinned: true); // the rule points into it
        int length = Encoding.UTF8.GetBytes(pattern, _text);
        var rule = new TraceRule();
        if (!rule.TryParse((byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_text, 0), length))
        {
            throw new RecordingException($"{pattern}: is no pattern; examples: 'parse*', 'ns::Class::*', '*:mod:libz*'");
        }

        _rule = rule;
    }

    /// <param name="target">The object of the function.</param>
    /// <param name="symbol">Its name in the symbol table.</param>
    /// <param name="name">The demangled name.</param>
    public bool Matches(ListedObject target, byte[] symbol, byte[] name) => (IsAbout(target) && MatchesName(symbol, name)) != _rule.Negated;

    private bool IsAbout(ListedObject target) =>
        _rule.FileLength == 0 || Glob.Matches(new ReadOnlySpan<byte>(_rule.File, _rule.FileLength), Encoding.UTF8.GetBytes(target.IsProgram ? "program" : target.Name));

    private bool MatchesName(byte[] symbol, byte[] name)
    {
        var pattern = new ReadOnlySpan<byte>(_rule.Name, _rule.NameLength);
        if (_rule.Form == NameForm.Symbol)
        {
            return Glob.Matches(pattern, symbol);
        }

        var parts = new CxxName(name, isPlain: !symbol.AsSpan().StartsWith("_ZT"u8) && !symbol.AsSpan().StartsWith("_ZG"u8));
        return Glob.Matches(pattern, _rule.Form == NameForm.WithoutParameters ? parts.WithoutParameters : parts.WithoutResult, GlobSyntax.Cxx);
    }
}
