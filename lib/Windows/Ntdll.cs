using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary>
/// System calls. They take no lock of the process, as functions of the higher libraries may: a stopped thread may hold it. The result is a
/// status: negative for an error.
/// </summary>
[NoInstr]
internal static unsafe class Ntdll
{
    public const nint CurrentProcess = -1;

    private const string Library = "ntdll";

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtAllocateVirtualMemory(nint process, void** address, nint zeroBits, nuint* size, uint type, uint protection);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtFreeVirtualMemory(nint process, void** address, nuint* size, uint type);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtProtectVirtualMemory(nint process, void** address, nuint* size, uint protection, uint* before);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtQueryVirtualMemory(nint process, ulong address, int kind, void* information, nuint size, nuint* length);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtFlushInstructionCache(nint process, void* address, nuint size);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtGetNextThread(nint process, nint thread, uint access, uint attributes, uint flags, nint* next);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtQueryInformationThread(nint thread, int kind, void* information, uint size, uint* length);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtQueryInformationProcess(nint process, int kind, void* information, uint size, uint* length);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtSuspendThread(nint thread, uint* before);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtResumeThread(nint thread, uint* before);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtGetContextThread(nint thread, void* context);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtSetContextThread(nint thread, void* context);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtClose(nint handle);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtQueryPerformanceCounter(long* count, long* frequency);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtDelayExecution(byte alertable, long* interval);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern int NtYieldExecution();

    /// <summary>Sleeps while *address equals *compare. It takes a lock of ntdll's: not for the data plane, nor in a window.</summary>
    [DllImport(Library, ExactSpelling = true)]
    public static extern int RtlWaitOnAddress(void* address, void* compare, nuint size, long* timeout);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern void RtlWakeAddressSingle(void* address);

    [DllImport(Library, ExactSpelling = true), SuppressGCTransition]
    public static extern void RtlWakeAddressAll(void* address);

    /// <summary>True if a debugger is attached to this process.</summary>
    public static bool HasDebugger()
    {
        const int DebugPort = 7; // ProcessDebugPort

        nint port = 0;
        return NtQueryInformationProcess(CurrentProcess, DebugPort, &port, (uint)sizeof(nint), null) >= 0 && port != 0;
    }
}
