using System;

namespace Ftrace.Linux;

/// <summary>A piece of anonymous memory with its size. Control plane only.</summary>
internal unsafe struct Block
{
    private const nuint PopulateFrom = 16 * Memory.PageSize;
    private const nuint HugeFrom = Memory.HugePageSize / 2;

    public byte* Start;
    public nuint Size;
    private nuint _mapped;

    public readonly bool IsEmpty => Start == null;

    public readonly ReadOnlySpan<byte> Bytes => new(Start, (int)Size);

    /// <summary>Zeroed memory, which will be written all over; empty if there is none, or for 0 bytes.</summary>
    public static Block Allocate(nuint size)
    {
        Block block = Reserve(size);
        if (!block.IsEmpty && size >= PopulateFrom)
        {
            Memory.Populate(block.Start, block.Size); // a fault for each page takes longer than the page
        }

        return block;
    }

    /// <summary>The same for what is freed soon: may take more memory than it needs, to have it sooner.</summary>
    public static Block AllocateTemporary(nuint size)
    {
        if (size < HugeFrom)
        {
            return Allocate(size);
        }

        nuint mapped = (size + Memory.HugePageSize - 1) & ~(Memory.HugePageSize - 1);
        Block block = Reserve(mapped);
        if (!block.IsEmpty)
        {
            Memory.UseHugePages(block.Start, mapped);
            Memory.Populate(block.Start, size);
            block.Size = size;
        }

        return block;
    }

    /// <summary>The same, of which less may be written.</summary>
    public static Block Reserve(nuint size)
    {
        byte* start = size == 0 ? null : (byte*)Memory.Map(size);
        nuint mapped = start == null ? 0 : size;
        return new Block { Start = start, Size = mapped, _mapped = mapped };
    }

    public void Free()
    {
        if (Start != null)
        {
            Memory.Unmap(Start, _mapped);
        }

        this = default;
    }
}
