namespace Ftrace.Objects;

/// <summary>Whether a site holds other bytes than expected. If it does, the calls of the library that follow look again.</summary>
internal enum ForeignState : byte
{
    /// <summary>It does not, as far as is known.</summary>
    None,

    /// <summary>It did when the library last looked.</summary>
    Found,

    /// <summary>It did, and this was reported.</summary>
    Reported,
}
