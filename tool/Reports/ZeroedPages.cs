using System;
using System.Runtime.InteropServices;

namespace Ftrace.Tool.Reports;

/// <summary>Much zeroed memory, of which only the pages that are touched take any: huge ones, if the system has them.</summary>
internal sealed unsafe partial class ZeroedPages : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int AdviseHuge = 14;

    private readonly nuint _size;
    private byte* _mapping;

    public ZeroedPages(nuint size)
    {
        _size = size + HugePage;
        _mapping = (byte*)Map(0, _size, ReadWrite, PrivateAnonymous, -1, 0);
        if (_mapping == (byte*)-1)
        {
            throw new OutOfMemoryException();
        }

        Start = (byte*)(((nuint)_mapping + HugePage - 1) & ~(HugePage - 1));
        _ = Advise(Start, size, AdviseHuge); // without them it is slower
    }

    public byte* Start { get; }

    public void Dispose()
    {
        if (_mapping != null)
        {
            _ = Unmap(_mapping, _size);
            _mapping = null;
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint size, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint size, int advice);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* start, nuint size);
}
