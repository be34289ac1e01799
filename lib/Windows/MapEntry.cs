namespace Ftrace.Windows;

/// <summary>Neighbouring pages of the same kind and protection.</summary>
internal struct MapEntry
{
    public ulong Start;
    public ulong End;

    /// <summary><see cref="Memory.ProtRead"/>, <see cref="Memory.ProtWrite"/>, <see cref="Memory.ProtExec"/>.</summary>
    public int Protection;
}
