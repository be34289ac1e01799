using System;
using Ftrace.Linux;

namespace Ftrace.Patch;

/// <summary>What <see cref="ForeignCode"/> needs to know of the process.</summary>
internal interface IProcessView
{
    /// <summary>Finds the mapping at an address, and its name: a path, a word in brackets, or nothing. The name is valid until the next call.</summary>
    bool TryFindMapping(ulong address, out MapEntry mapping, out ReadOnlySpan<byte> name);

    /// <summary>A <see cref="PatchingTool"/> that is loaded, or <see cref="PatchingTool.None"/>.</summary>
    int FindTool();

    /// <summary>Reads memory that another thread may unmap at any time.</summary>
    bool TryRead(ulong address, Span<byte> to);

    /// <summary>True for the address of a stub that this library has created.</summary>
    bool IsStub(ulong address);

    /// <summary>The process that traces this one; 0: none, or this is not known.</summary>
    /// <param name="name">Memory for its name.</param>
    /// <param name="length">The length of the name; 0 if it is not known.</param>
    int FindTracer(Span<byte> name, out int length);
}
