namespace Ftrace.Tests.NoInstr;

/// <summary>One instruction that the data plane must not have.</summary>
internal sealed record Violation(ViolationKind Kind, string Method, ulong Offset, string Text)
{
    public override string ToString() => $"{Method}+0x{Offset:x}: {Text}";
}
