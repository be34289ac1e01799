namespace Ftrace.Tests.NoInstr;

internal enum RegisterValueKind
{
    Unknown,

    /// <summary>What the register with this number held at the entry.</summary>
    Register,

    /// <summary>The stack pointer of the entry, and this many bytes.</summary>
    Stack,

    /// <summary>The word that was there at the entry, at this distance from the stack pointer.</summary>
    Word,
}
