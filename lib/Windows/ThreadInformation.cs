using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>THREAD_BASIC_INFORMATION.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ThreadInformation
{
    public const int Kind = 0;

    public int ExitStatus;
    public ulong Teb;
    public ulong ProcessId;
    public ulong ThreadId;
    public ulong Affinity;
    public int Priority;
    public int BasePriority;
}
