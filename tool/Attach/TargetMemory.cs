using System;

namespace Ftrace.Tool.Attach;

/// <summary>The memory of another process.</summary>
internal sealed unsafe class TargetMemory(int pid) : ITargetMemory
{
    public bool TryRead(ulong address, Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var local = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var remote = new IoVector { Base = (void*)address, Length = (nuint)bytes.Length };
            return Libc.ReadProcess(pid, &local, 1, &remote, 1, 0) == bytes.Length;
        }
    }

    public bool TryWrite(ulong address, ReadOnlySpan<byte> bytes)
    {
        AttachSteps.Take();
        fixed (byte* start = bytes)
        {
            var local = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var remote = new IoVector { Base = (void*)address, Length = (nuint)bytes.Length };
            return Libc.WriteProcess(pid, &local, 1, &remote, 1, 0) == bytes.Length;
        }
    }
}
