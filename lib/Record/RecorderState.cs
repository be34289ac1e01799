using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary>The words of the recorder that a fork has to reset. Unmanaged memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct RecorderState
{
    /// <summary>Offset in <see cref="SharedState"/>.</summary>
    public const int Offset = 1216;

    /// <summary>Held while a recording starts, stops, or changes. The trace mutex, and the loader's lock, may be taken with it held.</summary>
    public uint Mutex;

    /// <summary>Held while records of information are written, or the file grows. No other lock is taken with it held.</summary>
    public uint FileMutex;

    /// <summary>The one instance.</summary>
    [NoInstr]
    public static RecorderState* Shared => (RecorderState*)SharedState.At(Offset);
}
