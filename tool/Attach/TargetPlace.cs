using System;

namespace Ftrace.Tool.Attach;

/// <summary>A file or folder that was found: it stays this one, whatever happens to its name.</summary>
/// <param name="descriptor">Of it; closed with this object.</param>
internal sealed class TargetPlace(int descriptor) : IDisposable
{
    /// <summary>Its path for this process.</summary>
    public string Path => $"/proc/self/fd/{descriptor}";

    public void Dispose() => Libc.Close(descriptor);
}
