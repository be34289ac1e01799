namespace Ftrace.Tool.Reading;

/// <summary>The same moment on three clocks.</summary>
/// <param name="Time">As events have it.</param>
/// <param name="Monotonic">Nanoseconds of <c>CLOCK_MONOTONIC</c>.</param>
/// <param name="Realtime">Nanoseconds of <c>CLOCK_REALTIME</c>.</param>
internal readonly record struct ClockPair(ulong Time, ulong Monotonic, ulong Realtime);
