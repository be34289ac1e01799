namespace Ftrace.Patch;

/// <summary>The calling convention of this system has no red zone.</summary>
internal static unsafe class RedZoneCall
{
    public static bool IsAt(ulong ip, ulong address, byte* code) => false;
}
