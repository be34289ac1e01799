namespace Ftrace.Tool.Recording;

/// <summary>Whether a function can be traced, and why not.</summary>
internal enum Traceability
{
    /// <summary>It can, and the room is nops.</summary>
    Nops,

    /// <summary>It can, and the room is a call of -pg -mfentry.</summary>
    Mcount,

    /// <summary>It can, and the room is a sled of XRay.</summary>
    Sled,

    /// <summary>It was compiled without room for a call.</summary>
    NoRoom,

    /// <summary>It has nops, but not five bytes of them.</summary>
    TooFewNops,

    /// <summary>It has room, and the compiler's list, or the linker's, has lost it.</summary>
    NotListed,
}
