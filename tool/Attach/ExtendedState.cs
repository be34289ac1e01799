using System;
using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Ftrace.Tool.Attach;

/// <summary>The vector registers and the rest of what XSAVE saves, in the format that ptrace(2) and signal frames have: Intel SDM, volume 1, chapter 13.</summary>
internal static class ExtendedState
{
    /// <summary>More than any processor has.</summary>
    public const int MaxSize = 1 << 14;

    /// <summary>Where the area has to begin.</summary>
    public const int Alignment = 64;

    private const int LegacySize = 512;
    private const int HeaderSize = 64;
    private const int SoftwareOffset = 464; // the last 48 bytes of the legacy region are the system's
    private const uint FirstMagic = 0x46505853; // FP_XSTATE_MAGIC1
    private const uint SecondMagic = 0x46505845; // FP_XSTATE_MAGIC2
    private const int ComponentCount = 63;
    private const int FirstExtended = 2; // 0 and 1, x87 and SSE, are in the legacy region
    private const ulong ProtectionKeys = 1ul << 9;
    private const int ControlWordOffset = 0;
    private const int VectorControlOffset = 24; // MXCSR

    /// <summary>
    /// How long the area is that a signal frame has of this state: up to the last component that is in use. The system takes no longer one than it
    /// would write itself, which ends before components that the thread has not asked for (AMX).
    /// </summary>
    public static int FrameSizeOf(ReadOnlySpan<byte> state)
    {
        ulong used = ComponentsOf(state);
        int size = LegacySize + HeaderSize;
        for (int i = FirstExtended; i < ComponentCount; i++)
        {
            if ((used >> i & 1) != 0)
            {
                (int length, int offset, _, _) = X86Base.CpuId(13, i);
                size = Math.Max(size, offset + length);
            }
        }

        return size;
    }

    /// <summary>How many bytes <see cref="WriteFrame"/> writes.</summary>
    public static int FrameBytes(ReadOnlySpan<byte> state) => FrameSizeOf(state) + sizeof(uint);

    /// <summary>The state as a signal frame has it.</summary>
    public static void WriteFrame(Span<byte> area, ReadOnlySpan<byte> state)
    {
        int size = FrameSizeOf(state);
        state[..size].CopyTo(area);
        Span<byte> software = area.Slice(SoftwareOffset, LegacySize - SoftwareOffset);
        software.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(software, FirstMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(software[4..], (uint)size + sizeof(uint));
        BinaryPrimitives.WriteUInt64LittleEndian(software[8..], ComponentsOf(state));
        BinaryPrimitives.WriteUInt32LittleEndian(software[16..], (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(area[size..], SecondMagic);
    }

    /// <summary>Makes it that of a thread that begins, which functions may be called with; its protection keys stay.</summary>
    public static void Initialize(Span<byte> state)
    {
        ulong kept = ComponentsOf(state) & ProtectionKeys;
        BinaryPrimitives.WriteUInt64LittleEndian(state[LegacySize..], kept);
        BinaryPrimitives.WriteUInt16LittleEndian(state[ControlWordOffset..], 0x37f);
        BinaryPrimitives.WriteUInt32LittleEndian(state[VectorControlOffset..], 0x1f80);
    }

    /// <summary>XSTATE_BV: which components are not in their initial state.</summary>
    private static ulong ComponentsOf(ReadOnlySpan<byte> state) => BinaryPrimitives.ReadUInt64LittleEndian(state[LegacySize..]);
}
