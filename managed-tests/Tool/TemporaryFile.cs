using System;
using System.IO;

namespace Ftrace.Tests.Tool;

/// <summary>A file that is removed at the end.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile()
    {
    }

    public TemporaryFile(byte[] content) => File.WriteAllBytes(Path, content);

    public TemporaryFile(TraceFileBuilder builder)
        : this(builder.ToArray())
    {
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"ftrace-{System.IO.Path.GetRandomFileName()}.data");

    public void Dispose() => File.Delete(Path);
}
