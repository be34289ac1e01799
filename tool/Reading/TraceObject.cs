using System.Collections.Generic;

namespace Ftrace.Tool.Reading;

/// <summary>An object of the recorded process: the executable or a shared object, from when it was opened until it was closed.</summary>
internal sealed class TraceObject
{
    /// <summary>Its number in the file.</summary>
    public required uint Number { get; init; }

    /// <summary>Its index in <see cref="TraceFile.Objects"/>.</summary>
    public required int Index { get; init; }

    public required string Path { get; init; }

    public required byte[] BuildId { get; init; }

    /// <summary>First address.</summary>
    public required ulong Start { get; init; }

    /// <summary>The address after the last one.</summary>
    public required ulong End { get; init; }

    /// <summary>To be subtracted from an address to get that in the ELF file.</summary>
    public required ulong LoadAddress { get; init; }

    public required ulong OpenTime { get; init; }

    /// <summary><see cref="ulong.MaxValue"/>: it was not closed.</summary>
    public ulong CloseTime { get; set; } = ulong.MaxValue;

    /// <summary>The last part of the path.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>Sorted by address once the file is open.</summary>
    internal List<SymbolEntry> Symbols { get; } = [];

    public bool Contains(ulong address, ulong time) =>
        address >= Start && address < End && time >= OpenTime && time < CloseTime;
}
