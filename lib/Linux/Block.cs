using System;

namespace Ftrace.Linux;

/// <summary>A block of anonymous memory and its size. Control plane only.</summary>
internal unsafe struct Block
{
    private const nuint PopulateFrom = 16 * Memory.PageSize;
    private const nuint HugeFrom = Memory.HugePageSize / 2;

    public byte* Start;
    public nuint Size;
    private nuint _mapped;

    public readonly bool IsEmpty => Start == null;

    public readonly ReadOnlySpan<byte> Bytes => new(Start, (int)Size);

    /// <summary>Allocates zeroed memory that will be written completely. Empty if there is none, or for 0 bytes.</summary>
    public static Block Allocate(nuint size)
    {
        Block block = Reserve(size);
        if (!block.IsEmpty && size >= PopulateFrom)
        {
            Memory.Populate(block.Start, block.Size); // faster than one fault for each page
        }

        return block;
    }

    /// <summary>The same for memory that is freed soon: may use more memory than needed, because that is faster.</summary>
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

    /// <summary>The same for memory that may not be written completely.</summary>
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
