using System;
using Ftrace.Linux;

namespace Ftrace.Names;

/// <summary>Memory for names that are written while a pattern is compared, which would be too much for the stack.</summary>
internal static unsafe class NameBuffer
{
    /// <summary>Of each area.</summary>
    public const int Size = 8192;
    private const int AreaCount = 4;

    private static byte* s_areas;

    /// <summary>The name of a Rust function; null: there is no memory.</summary>
    public static byte* Rust => Area(0);

    /// <summary>A name in a shorter form.</summary>
    public static Span<byte> Short => AsSpan(Area(1));

    /// <summary>A C++ name in the usual spelling.</summary>
    public static Span<byte> Name => AsSpan(Area(2));

    /// <summary>A pattern in the usual spelling.</summary>
    public static Span<byte> Pattern => AsSpan(Area(3));

    public static void Free()
    {
        if (s_areas != null)
        {
            Memory.Unmap(s_areas, Size * AreaCount);
        }

        s_areas = null;
    }

    private static byte* Area(int number)
    {
        s_areas = s_areas != null ? s_areas : (byte*)Memory.Map(Size * AreaCount);
        return s_areas != null ? s_areas + (Size * number) : null;
    }

    /// <summary>Empty if there is no memory.</summary>
    private static Span<byte> AsSpan(byte* area) => area != null ? new Span<byte>(area, Size) : default;
}
