using System;
using Ftrace.Linux;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <summary>This process, for one call's reports.</summary>
/// <remarks>
/// The whole memory map is read once at most: a call may report thousands of locations. To be closed after the last one.
/// </remarks>
internal unsafe struct ProcessView : IProcessView
{
    private const int BufferSize = 8192;
    private const int NameSize = 4096;
    private const int PathSize = 32; // of /proc/N/comm

    private Block _memory;
    private bool _hasLooked;
    private int _tool;

    public void Close() => _memory.Free();

    /// <inheritdoc/>
    public bool TryFindMapping(ulong address, out MapEntry mapping, out ReadOnlySpan<byte> name)
    {
        mapping = default;
        name = default;
        if (!TryOpen(out MapsReader maps))
        {
            return false;
        }

        bool found = true;
        while (found && mapping.End <= address)
        {
            found = maps.NextNamed(address, NameBuffer, NameSize, out mapping, out name);
        }

        maps.Close();
        return found && mapping.Start <= address;
    }

    /// <inheritdoc/>
    public int FindTool()
    {
        if (!_hasLooked && TryOpen(out MapsReader maps))
        {
            _hasLooked = true;
            _tool = PatchingTool.None;
            MapEntry mapping = default;
            while (_tool == PatchingTool.None && maps.NextNamed(mapping.End, NameBuffer, NameSize, out mapping, out ReadOnlySpan<byte> name))
            {
                bool isCode = (mapping.Protection & Memory.ProtExec) != 0;
                _tool = isCode ? PatchingTool.Find(name[(name.LastIndexOf((byte)'/') + 1)..]) : PatchingTool.None;
            }

            maps.Close();
        }

        return _hasLooked ? _tool : PatchingTool.None;
    }

    /// <inheritdoc/>
    public readonly bool TryRead(ulong address, Span<byte> to)
    {
        fixed (byte* bytes = to)
        {
            var local = new Iovec { Base = (ulong)bytes, Length = (ulong)to.Length };
            var remote = new Iovec { Base = address, Length = (ulong)to.Length };
            nint self = Native.Syscall(SyscallNumber.Gettid); // not the process: its main thread may have ended
            return Native.Syscall(SyscallNumber.ProcessVmReadv, self, (nint)(&local), 1, (nint)(&remote), 1) == to.Length;
        }
    }

    /// <inheritdoc/>
    public readonly bool IsStub(ulong address) => StubArea.IsStub(address);

    /// <inheritdoc/>
    public readonly int FindTracer(Span<byte> name, out int length)
    {
        length = 0;
        int tracer = OwnTaskFile.TracerOf((int)Native.Syscall(SyscallNumber.Gettid));
        if (tracer != 0)
        {
            byte* path = stackalloc byte[PathSize];
            var text = new ReportLine(path, PathSize);
            text.Add("/proc/"u8);
            text.Add(tracer);
            text.Add("/comm\0"u8);
            int file = ProcFile.Open(path);
            if (file >= 0)
            {
                fixed (byte* to = name)
                {
                    length = Math.Max(ProcFile.Read(file, to, name.Length), 0);
                }

                ProcFile.Close(file);
                length = name[..length].IndexOf((byte)'\n') is var end and >= 0 ? end : length;
            }
        }

        return tracer;
    }

    private readonly byte* NameBuffer => _memory.Start + BufferSize;

    private bool TryOpen(out MapsReader maps)
    {
        _memory = _memory.IsEmpty ? Block.Reserve(BufferSize + NameSize) : _memory;
        maps = new MapsReader(_memory.Start, BufferSize);
        return !_memory.IsEmpty && maps.Open() == 0;
    }
}
