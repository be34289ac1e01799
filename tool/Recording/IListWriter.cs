using System.Collections.Generic;

namespace Ftrace.Tool.Recording;

/// <summary>Writes the list of functions in a format.</summary>
internal interface IListWriter
{
    void Begin();

    /// <param name="target">The object.</param>
    /// <param name="functions">All its functions.</param>
    /// <param name="isStatic">It is a program that no library can be loaded into.</param>
    void BeginObject(ListedObject target, ObjectFunctions functions, bool isStatic);

    void Write(ListedFunction function, byte[] name);

    void EndObject();

    /// <param name="failures">Objects that could not be read, and why.</param>
    void End(IReadOnlyList<string> failures);
}
