namespace Ftrace.Tool.Reading;

/// <summary>A snapshot that was taken.</summary>
internal readonly record struct TraceSnapshot(ulong Time, string Cause);
