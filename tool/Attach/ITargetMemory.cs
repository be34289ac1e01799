using System;

namespace Ftrace.Tool.Attach;

/// <summary>Memory that is read by address: of another process, or made for a test.</summary>
internal interface ITargetMemory
{
    /// <returns>False if not all of it can be read.</returns>
    bool TryRead(ulong address, Span<byte> bytes);
}
