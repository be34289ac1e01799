namespace Ftrace.Trace;

/// <summary>One call of ftrace_set_filter() and its like, taken apart.</summary>
internal unsafe struct TraceRule
{
    public RuleKind Kind;

    /// <summary>Forget what was set of this kind.</summary>
    public bool Reset;

    /// <summary>Only that.</summary>
    public bool Nothing;

    /// <summary>Takes out what it matches.</summary>
    public bool Negated;

    public byte* Name;
    public int NameLength;

    /// <summary>Pattern of the object's file name; empty: any.</summary>
    public byte* File;

    public int FileLength;
    public ulong Ip;
}
