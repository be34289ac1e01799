namespace Ftrace.Text;

/// <summary>The sites of an object, ordered by their addresses, for stubs of <see cref="StubKind.Graph"/>.</summary>
internal unsafe struct GraphStubSites
{
    /// <summary>The address of the first site.</summary>
    public ulong* Ip;

    /// <summary>Its set of ops, which its stub refers to.</summary>
    public ulong* Set;

    /// <summary>From one site's to the next one's, in bytes.</summary>
    public int Stride;

    public int Count;

    public readonly ulong IpOf(int number) => *(ulong*)((byte*)Ip + (nint)number * Stride);

    public readonly ulong SetOf(int number) => (ulong)Set + (ulong)number * (ulong)Stride;
}
