using System;

namespace Ftrace.Tool.Control;

/// <summary>A recording cannot be changed: <c>WHAT: reason; remedy</c>.</summary>
internal sealed class ControlException(string message) : Exception(message);
