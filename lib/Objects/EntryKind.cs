namespace Ftrace.Objects;

/// <summary>What the compiler leaves at functions' entries. It lists each kind in a section of its own.</summary>
internal enum EntryKind : byte
{
    /// <summary>Nops, by -fpatchable-function-entry.</summary>
    Nops,

    /// <summary>A call, or a nop of its length, by -mrecord-mcount.</summary>
    Mcount,

    /// <summary>A sled of XRay, by Clang's -fxray-instrument: see <see cref="XRaySled"/>.</summary>
    Sled,
}
