using System;
using Ftrace.Linux;

namespace Ftrace.Names;

/// <summary>
/// Demangles names with the process's own C++ library. That library, and malloc, which it uses, are the host's code: not to be called
/// while threads are parked, which may hold malloc's lock.
/// </summary>
internal static unsafe class Demangler
{
    /// <summary>
    /// The longest name that is demangled. The stack that this takes grows with the name: libstdc++ fails at this length, and libc++abi
    /// would continue to the end of the stack.
    /// </summary>
    private const int MaxLength = 1024;

    /// <summary>Measured: 342 bytes a character in the worst case, one of many stars.</summary>
    private const ulong StackPerCharacter = 400;
    private const ulong StackReserve = 16 * 1024;
    private const int MapsBufferSize = 8192;

    private static byte* s_buffer;
    private static nuint s_size;

    /// <summary>Where the calling thread's stack ends; 0: not known yet.</summary>
    private static ulong s_stackEnd;

    /// <summary>The name of the function that is called.</summary>
    public static ReadOnlySpan<byte> Function => "__cxa_demangle"u8;

    /// <summary>True for a symbol that is a C++ name, and not too long for the calling thread's stack.</summary>
    public static bool CanDemangle(ReadOnlySpan<byte> symbol) =>
        symbol.StartsWith("_Z"u8) && symbol.Length <= MaxLength && HasStack(StackReserve + (ulong)symbol.Length * StackPerCharacter);

    /// <summary>Demangles a symbol, 0-terminated, that <see cref="CanDemangle"/> accepts.</summary>
    /// <param name="function">
    /// <c>char *__cxa_demangle(const char *name, char *buffer, size_t *size, int *status)</c>, Itanium C++ ABI 3.4: a buffer from
    /// malloc, or none, which it may replace.
    /// </param>
    /// <param name="symbol">The symbol.</param>
    /// <returns>The name, 0-terminated; valid until the next call or <see cref="End"/>. Null if the symbol is not a C++ name.</returns>
    public static byte* Demangle(delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> function, byte* symbol)
    {
        nuint size = s_size;
        int status;
        byte* name = function(symbol, s_buffer, &size, &status);
        if (name == null)
        {
            return null; // the buffer is still valid
        }

        s_buffer = name;
        s_size = size;
        return name;
    }

    /// <summary>True if there is something for <see cref="End"/> to free.</summary>
    public static bool HasBuffer => s_buffer != null;

    /// <summary>Frees the buffer, and forgets the calling thread's stack.</summary>
    public static void End()
    {
        if (HasBuffer)
        {
            Native.Table->Free(s_buffer);
        }

        s_buffer = null;
        s_size = 0;
        s_stackEnd = 0;
    }

    /// <summary>True if the calling thread has so much stack left.</summary>
    public static bool HasStack(ulong bytes)
    {
        byte here;
        if (s_stackEnd == 0)
        {
            s_stackEnd = FindStackEnd((ulong)&here);
        }

        return (ulong)&here - s_stackEnd >= bytes;
    }

    /// <summary>The main thread's stack grows, and its end is far away; another thread's stack is a mapping of its own.</summary>
    private static ulong FindStackEnd(ulong address)
    {
        const ulong FarAway = 1;

        if (Native.Syscall(SyscallNumber.Gettid) == Native.Syscall(SyscallNumber.Getpid))
        {
            return FarAway;
        }

        byte* buffer = stackalloc byte[MapsBufferSize];
        var maps = new MapsReader(buffer, MapsBufferSize);
        if (maps.Open() != 0)
        {
            return FarAway;
        }

        MapEntry entry;
        bool found;
        do
        {
            found = maps.Next(address, out entry);
        }
        while (found && entry.End <= address);
        maps.Close();
        return found && entry.Start <= address ? entry.Start : FarAway;
    }
}
