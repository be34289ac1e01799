using System;

namespace Ftrace.Objects;

/// <summary>Whether a site holds other bytes than expected. If it does, the calls of the library that follow look again.</summary>
[Flags]
internal enum ForeignState : byte
{
    /// <summary>It does not, as far as is known.</summary>
    None = 0,

    /// <summary>It did when the library last looked.</summary>
    Found = 1,

    /// <summary>This was reported.</summary>
    Reported = 2,

    /// <summary>It did when the object was read: it is not known how long the compiler's instructions are.</summary>
    Unmeasured = 4,
}
