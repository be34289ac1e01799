using System;

namespace Ftrace.Tool.Recording;

/// <summary>
/// The memory that the program records into: a file without a name. It outlives the program, whichever way that ends; nobody else can open or
/// truncate it, and no disk can be full.
/// </summary>
internal sealed unsafe class TraceMemory : IDisposable
{
    private const uint Cloexec = 1;
    private const uint AllowSealing = 2;
    private const uint NoExecSeal = 8; // Linux 6.3
    private const int AddSeals = 1033;
    private const int SealSeal = 1;
    private const int SealShrink = 2;

    public TraceMemory()
    {
        Descriptor = Libc.CreateMemory("ftrace", Cloexec | AllowSealing | NoExecSeal);
        if (Descriptor < 0)
        {
            Descriptor = Libc.CreateMemory("ftrace", Cloexec | AllowSealing);
        }

        if (Descriptor < 0 || Libc.Control(Descriptor, AddSeals, SealShrink | SealSeal) != 0)
        {
            throw Libc.Failure("the memory for the trace cannot be created");
        }
    }

    public int Descriptor { get; }

    public void Dispose() => Libc.Close(Descriptor);
}
