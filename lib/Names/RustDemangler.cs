using System;

namespace Ftrace.Names;

/// <summary>
/// Demangles the names of Rust functions. Not with the C++ library: a Rust program has none, and one that has does not know Rust's newer symbols.
/// </summary>
internal static unsafe class RustDemangler
{
    /// <summary>The longest symbol that is demangled.</summary>
    private const int MaxLength = 4000;

    /// <summary>Measured: 10 KB at the greatest depth.</summary>
    private const ulong Stack = 32 * 1024;

    private static ReadOnlySpan<byte> Prefix => "_R"u8;

    /// <summary>True for a symbol that a Rust compiler has made.</summary>
    public static bool IsRust(ReadOnlySpan<byte> symbol) => symbol.StartsWith(Prefix) || Legacy(symbol, out _).IsValid;

    /// <summary>"h" and the hash that are the last part of an older symbol's name, and that <see cref="Demangle"/> leaves out; else empty.</summary>
    public static ReadOnlySpan<byte> HashOf(ReadOnlySpan<byte> symbol) => Legacy(symbol, out _).Hash;

    /// <summary>Demangles a symbol.</summary>
    /// <returns>The name, 0-terminated, in <see cref="NameBuffer.Rust"/>. Null if the symbol cannot be demangled.</returns>
    public static byte* Demangle(ReadOnlySpan<byte> symbol)
    {
        byte* name = Demangler.HasStack(Stack) ? NameBuffer.Rust : null;
        if (name == null)
        {
            return null;
        }

        int length = Write(symbol, new Span<byte>(name, NameBuffer.Size - 1));
        name[length] = 0;
        return length != 0 ? name : null;
    }

    /// <summary>Writes the name that a symbol stands for.</summary>
    /// <returns>How many bytes were written; 0: it cannot be demangled, or there is not enough room.</returns>
    public static int Write(ReadOnlySpan<byte> symbol, Span<byte> to)
    {
        ReadOnlySpan<byte> suffix = default;
        int length = 0;
        if (symbol.Length > MaxLength)
        {
            return 0;
        }

        if (symbol.StartsWith(Prefix))
        {
            int dot = symbol.IndexOf((byte)'.');
            suffix = dot < 0 ? default : symbol[dot..];
            length = RustV0.Write(symbol[Prefix.Length..(symbol.Length - suffix.Length)], to);
        }
        else if (Legacy(symbol, out suffix) is { IsValid: true } legacy && to.Length >= 2 * symbol.Length)
        {
            length = legacy.Write(to);
        }

        suffix = suffix.StartsWith(".llvm."u8) ? default : suffix; // made by the linker, to keep copies apart
        if (length == 0 || suffix.Length > to.Length - length)
        {
            return 0;
        }

        suffix.CopyTo(to[length..]);
        return length + suffix.Length;
    }

    private static RustLegacy Legacy(ReadOnlySpan<byte> symbol, out ReadOnlySpan<byte> suffix)
    {
        suffix = default;
        var all = new RustLegacy(symbol);
        int end = all.IsValid ? -1 : symbol.LastIndexOf("E."u8);
        if (end < 0)
        {
            return all;
        }

        suffix = symbol[(end + 1)..];
        return new RustLegacy(symbol[..(end + 1)]);
    }
}
