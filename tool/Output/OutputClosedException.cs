using System.IO;

namespace Ftrace.Tool.Output;

/// <summary>Nobody reads the output any more: <c>ftrace report | head</c>, or the pager was left. Not an error.</summary>
internal sealed class OutputClosedException() : IOException("nobody reads the output");
