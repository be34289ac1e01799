using System;
using Ftrace.Names;

namespace Ftrace.Trace;

/// <summary>The parsed arguments of ftrace_set_filter(), ftrace_set_notrace() or ftrace_set_filter_ip().</summary>
internal unsafe struct TraceRule
{
    public RuleKind Kind;

    /// <summary>First remove the rules of this kind.</summary>
    public bool Reset;

    /// <summary>Add no rule.</summary>
    public bool ResetOnly;

    /// <summary>Not 0: why the pattern was refused. The ops then has a failed filter, and nothing else changes.</summary>
    public int Error;

    /// <summary>It excludes what it matches.</summary>
    public bool Negated;

    /// <summary>What the pattern is compared with.</summary>
    public NameForm Form;

    /// <summary>Further rules of the same call: all of them are set, or none.</summary>
    public TraceRule* Next;

    public byte* Name;
    public int NameLength;

    /// <summary>Pattern of the object's file name; empty: any.</summary>
    public byte* File;

    public int FileLength;
    public ulong Ip;

    private static ReadOnlySpan<byte> FileMark => ":mod:"u8;

    private static ReadOnlySpan<byte> NoExcept => " noexcept"u8;

    private static ReadOnlySpan<byte> Scope => "::"u8;

    /// <summary>
    /// Parses a pattern, "!name:mod:file", of which only the name is required. A name with "::" or "(" is a C++ name; "::" at
    /// its beginning has no other meaning.
    /// </summary>
    public bool TryParse(byte* pattern, int length)
    {
        var text = new ReadOnlySpan<byte>(pattern, length);
        Negated = text.StartsWith("!"u8);
        Name = pattern + (Negated ? 1 : 0);
        ReadOnlySpan<byte> name = text[(Negated ? 1 : 0)..];
        int mark = IndexOfMark(name);
        if (mark >= 0)
        {
            File = Name + mark + FileMark.Length;
            FileLength = name.Length - mark - FileMark.Length;
            name = name[..mark];
            if (!Glob.IsValid(new ReadOnlySpan<byte>(File, FileLength)))
            {
                return false;
            }
        }

        Form = FormOf(name);
        if (Form == NameForm.Any && name.EndsWith(NoExcept))
        {
            name = name[..^NoExcept.Length]; // not a part of a function's mangled name
        }

        int skipped = name.StartsWith(Scope) ? Scope.Length : 0;
        Name += skipped;
        NameLength = name.Length - skipped;
        return Glob.IsValid(name[skipped..], Form == NameForm.Symbol ? GlobSyntax.Plain : GlobSyntax.Cxx);
    }

    private static NameForm FormOf(ReadOnlySpan<byte> name)
    {
        if (name.Contains((byte)'('))
        {
            return NameForm.Any;
        }

        return name.IndexOf(Scope) >= 0 ? NameForm.WithoutParameters : NameForm.Symbol;
    }

    /// <summary>Where ":mod:" begins; -1: nowhere. "::mod::" is a namespace of a C++ name.</summary>
    private static int IndexOfMark(ReadOnlySpan<byte> name)
    {
        for (int at = 0; at < name.Length; at++)
        {
            if (name[at..].StartsWith(FileMark) && (at == 0 || name[at - 1] != ':') && (at + FileMark.Length == name.Length || name[at + FileMark.Length] != ':'))
            {
                return at;
            }
        }

        return -1;
    }
}
