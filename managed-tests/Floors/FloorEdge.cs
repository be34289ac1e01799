namespace Ftrace.Tests.Floors;

/// <summary>A type that refers to one of another namespace.</summary>
/// <param name="From">The namespace of the type that refers.</param>
/// <param name="FromType">Its name; of a nested one that of the outermost.</param>
/// <param name="To">The namespace of the other.</param>
/// <param name="ToType">Likewise.</param>
internal sealed record FloorEdge(string From, string FromType, string To, string ToType)
{
    public override string ToString() => $"{From} -> {To}: {FromType} refers to {ToType}";
}
