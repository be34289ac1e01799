using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Objects;
using Ftrace.Tests.Sites;

namespace Ftrace.Fuzz;

/// <summary>
/// The input as the loader would have it in memory: segments at their distances, words that are addresses relocated. What the
/// loader refuses there is no object of.
/// </summary>
internal sealed unsafe partial class FuzzedImage
{
    private const int PageSize = 4096;
    private const int MostHeaders = 64;
    private const long ArenaSize = 1 << 17;
    private const int SmallestOffset = 256; // what is smaller is a number: before that stand the headers
    private const uint Writable = 2;
    private const int ProtNone = 0;
    private const int ProtReadWrite = 3;
    private const int HeaderOffsetField = 32;
    private const int HeaderCountField = 56;
    private const int FileHeaderSize = 64;

    private readonly byte* _arenaEnd = GuardedMemory.Allocate(ArenaSize);
    private readonly byte* _headersEnd = GuardedMemory.Allocate(MostHeaders * sizeof(ProgramHeader));
    private List<(ulong Start, ulong End)> _pages = [];

    /// <summary>How much memory the object takes, from its first segment to the end of its last.</summary>
    public long Size { get; private set; }

    /// <summary>Makes the object.</summary>
    /// <param name="file">The input.</param>
    /// <param name="last">Which segment ends exactly where an unreadable page begins: there is no room for that with all of them.</param>
    /// <param name="target">The object, as the loader lists it.</param>
    public bool TryLoad(ReadOnlySpan<byte> file, int last, LoadedObject* target)
    {
        if (file.Length < FileHeaderSize)
        {
            return false;
        }

        ulong offset = MemoryMarshal.Read<ulong>(file[HeaderOffsetField..]);
        int count = MemoryMarshal.Read<ushort>(file[HeaderCountField..]);
        if (count > MostHeaders || offset > (ulong)file.Length || (ulong)(count * sizeof(ProgramHeader)) > (ulong)file.Length - offset)
        {
            return false;
        }

        var headers = new Span<ProgramHeader>((ProgramHeader*)_headersEnd - count, count);
        file.Slice((int)offset, count * sizeof(ProgramHeader)).CopyTo(MemoryMarshal.AsBytes(headers));
        var loads = new List<ProgramHeader>();
        bool isStatic = true; // then its text holds addresses too, and nobody but us moves it
        foreach (ref readonly ProgramHeader header in headers)
        {
            if (header.Type == ProgramHeader.Load)
            {
                loads.Add(header);
            }

            isStatic &= header.Type != ProgramHeader.Dynamic;
        }

        if (!IsLoadable(loads, (ulong)file.Length))
        {
            return false;
        }

        ulong end = loads[^1].Address + loads[^1].MemorySize;
        ulong start = (ulong)_arenaEnd - end;
        ProgramHeader chosen = loads[last % loads.Count];
        start -= (start + chosen.Address + chosen.MemorySize) % PageSize;
        Size = (long)(end - loads[0].Address);
        target->Image.Base = start;
        target->Image.Headers = (ProgramHeader*)_headersEnd - count;
        target->Image.HeaderCount = count;
        Protect(start, loads);
        foreach (ProgramHeader load in loads)
        {
            if ((load.Flags & ProgramHeader.Readable) != 0)
            {
                var memory = new Span<byte>((byte*)(start + load.Address), (int)load.MemorySize);
                file.Slice((int)load.Offset, (int)load.FileSize).CopyTo(memory);
                memory[(int)load.FileSize..].Clear();
                if (isStatic || (load.Flags & Writable) != 0)
                {
                    Relocate(memory, loads[0].Address + SmallestOffset, end, start);
                }
            }
        }

        return true;
    }

    private static bool IsLoadable(List<ProgramHeader> loads, ulong fileSize)
    {
        bool right = loads.Count > 0;
        ulong end = right ? loads[0].Address : 0;
        foreach (ProgramHeader load in loads)
        {
            right &= load.Address >= end && load.Address - loads[0].Address <= ArenaSize && load.MemorySize <= ArenaSize
                && load.FileSize <= load.MemorySize && load.Offset <= fileSize && load.FileSize <= fileSize - load.Offset
                && load.Address <= ulong.MaxValue - load.MemorySize;
            end = load.Address + load.MemorySize;
        }

        return right && end - loads[0].Address <= ArenaSize - PageSize;
    }

    /// <summary>Makes unreadable what no segment lies in.</summary>
    private void Protect(ulong start, List<ProgramHeader> loads)
    {
        var pages = new List<(ulong, ulong)>();
        foreach (ProgramHeader load in loads)
        {
            if ((load.Flags & ProgramHeader.Readable) != 0)
            {
                ulong first = start + load.Address;
                pages.Add((first & ~(ulong)(PageSize - 1), (first + load.MemorySize + PageSize - 1) & ~(ulong)(PageSize - 1)));
            }
        }

        if (pages.Count == _pages.Count && pages.TrueForAll(_pages.Contains))
        {
            return;
        }

        _pages = pages;
        int error = mprotect((nint)_arenaEnd - (nint)ArenaSize, (nint)ArenaSize, ProtNone);
        foreach ((ulong first, ulong end) in pages)
        {
            error |= mprotect((nint)first, (nint)(end - first), ProtReadWrite);
        }

        if (error != 0)
        {
            throw new InvalidOperationException("mprotect");
        }
    }

    /// <summary>GCC does not align the addresses of __mcount_loc.</summary>
    private static void Relocate(Span<byte> memory, ulong low, ulong high, ulong start)
    {
        for (int at = 0; at <= memory.Length - sizeof(ulong); at++)
        {
            ulong word = MemoryMarshal.Read<ulong>(memory[at..]);
            if (word >= low && word < high)
            {
                MemoryMarshal.Write(memory[at..], word + start);
                at += sizeof(ulong) - 1;
            }
        }
    }

    [LibraryImport("libc")]
    private static partial int mprotect(nint address, nint length, int protection);
}
