using System;
using System.Runtime.InteropServices;
using System.Text;
using Ftrace.Names;

namespace Ftrace.Tool.Reading;

/// <summary>Names as in the source: those of Rust, and those of C++ if this system has a C++ library.</summary>
internal static unsafe class NameDemangler
{
    /// <summary>The longest C++ name: the stack that demangling takes grows with it, up to 400 bytes a character.</summary>
    private const int MaxLength = 1024;
    private const int MaxRustName = 8192;

    private static readonly delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> s_cxx = FindCxx();

    /// <summary>The name; the symbol itself, if it is not mangled or cannot be demangled.</summary>
    public static byte[] Demangle(byte[] symbol)
    {
        if (RustDemangler.IsRust(symbol))
        {
            byte[] name = new byte[MaxRustName];
            int length = RustDemangler.Write(symbol, name);
            return length != 0 ? name[..length] : symbol;
        }

        if (s_cxx == null || symbol.Length > MaxLength || !symbol.AsSpan().StartsWith("_Z"u8))
        {
            return symbol;
        }

        Span<byte> terminated = stackalloc byte[symbol.Length + 1];
        symbol.CopyTo(terminated);
        terminated[symbol.Length] = 0;
        fixed (byte* start = terminated)
        {
            byte* name = Demangler.Demangle(s_cxx, start);
            return name != null ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).ToArray() : symbol;
        }
    }

    private static delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> FindCxx()
    {
        string function = Encoding.ASCII.GetString(Demangler.Function);
        foreach (string library in (ReadOnlySpan<string>)["libstdc++.so.6", "libc++abi.so.1"])
        {
            if (NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, function, out nint address))
            {
                return (delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*>)address;
            }
        }

        return null;
    }
}
