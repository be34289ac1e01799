namespace Ftrace.Tests.NoInstr;

/// <summary>What a register or a word of the stack holds, as far as <see cref="RegisterCheck"/> knows.</summary>
internal readonly record struct RegisterValue(RegisterValueKind Kind, int Number)
{
    public static RegisterValue Unknown => default;

    public static RegisterValue Stack(int offset) => new(RegisterValueKind.Stack, offset);
}
