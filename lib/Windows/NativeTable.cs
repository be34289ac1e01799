using System.Runtime.InteropServices;

namespace Ftrace.Windows;

/// <summary><c>struct native</c> of Native/Windows/native.h, member by member.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeTable
{
    /// <summary>The calling thread's <c>ftrace_nmi_thread</c>.</summary>
    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*> Thread;

    /// <summary>Executes a serializing instruction.</summary>
    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void> SyncCore;

    /// <summary>Runs a function of the host in a stop window.</summary>
    public delegate* unmanaged[Cdecl]<void*, void*, int> Run;

    /// <summary>The gate.</summary>
    public ulong* ModifyingCode;

    /// <summary>Memory for <see cref="Linux.SharedState"/>.</summary>
    public void* State;

    /// <summary>The initial function for reports; null: none.</summary>
    public void* Print;

    /// <summary>Makes the handler of exceptions the first one of the process. Returns 0, or not 0 if there is no memory.</summary>
    public delegate* unmanaged[Cdecl]<int> WatchTraps;

    /// <summary>The library's image in memory.</summary>
    public ulong ImageStart;

    /// <summary>Its end.</summary>
    public ulong ImageEnd;

    /// <summary>The index of the library's thread-local storage.</summary>
    public ulong TlsIndex;

    /// <summary>Where <c>ftrace_nmi_thread</c> is in it.</summary>
    public ulong TlsOffset;

    private const int MaxSystem = 32;
    private fixed ulong _system[MaxSystem];

    // Set by C#.

    /// <summary>Called by the gate.</summary>
    public void* EnterSlow;

    /// <summary>Called by the gate.</summary>
    public void* ExitSlow;

    /// <summary>Called by that handler.</summary>
    public void* OnTrap;

    /// <summary>True for the start of the image of a library that this one calls.</summary>
    public readonly bool IsOfSystem(ulong image)
    {
        for (int i = 0; i < MaxSystem; i++)
        {
            if (_system[i] == image && image != 0)
            {
                return true;
            }
        }

        return false;
    }
}
