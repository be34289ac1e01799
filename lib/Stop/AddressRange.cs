namespace Ftrace.Stop;

/// <summary>Addresses from <see cref="Start"/> on, without <see cref="End"/>.</summary>
internal struct AddressRange
{
    public ulong Start;
    public ulong End;

    [NoInstr]
    public readonly bool Contains(ulong address) => address - Start < End - Start;
}
