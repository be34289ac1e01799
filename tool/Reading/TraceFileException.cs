using System;

namespace Ftrace.Tool.Reading;

/// <summary>A file that cannot be read as a trace. The message is complete: what, and why.</summary>
internal sealed class TraceFileException(string message) : Exception(message);
