namespace Ftrace.Stop;

/// <summary>Addresses from <see cref="Start"/> on, without <see cref="End"/>.</summary>
internal struct AddressRange
{
    public ulong Start;
    public ulong End;

    public readonly bool Contains(ulong address) => address - Start < End - Start;

    /// <summary>The same: there is no code of the library that leads into another text yet.</summary>
    public readonly bool IsReachedFrom(ulong address) => Contains(address);
}
