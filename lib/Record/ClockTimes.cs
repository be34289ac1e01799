using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The same moment by three clocks.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClockTimes
{
    public ulong Tsc;
    public ulong MonotonicNs;
    public ulong RealtimeNs;

    public static ClockTimes Read()
    {
        ClockTimes now;
        Native.Table->ReadClocks(&now);
        return now;
    }
}
