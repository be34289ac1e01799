using System;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Protocol;
using Ftrace.Text;
using Ftrace.Trace;

namespace Ftrace.Sites;

/// <summary>
/// Names as people write them: the process's own C++ library turns them back, if there is one. Called with the trace mutex and the
/// loader's lock held, so that the library cannot go; not while threads are parked, who may hold malloc's lock.
/// </summary>
/// <remarks>
/// It, and malloc, may be traced. A handler that wants the loader's lock would wait for a thread that is opening an object, and
/// that one for us: so handlers are not called from here.
/// </remarks>
internal static unsafe class Demangler
{
    /// <summary>
    /// The longest name that is turned back. What that takes of the stack grows with the name: libstdc++ gives up here, and libc++abi
    /// would go on to the end of the stack.
    /// </summary>
    private const int MaxLength = 1024;

    /// <summary>Measured: 342 bytes a character in the worst case, one of many stars.</summary>
    private const ulong StackForEach = 400;
    private const ulong StackForRest = 16 * 1024;
    private const int MapsBufferSize = 8192;

    /// <summary>
    /// <c>char *__cxa_demangle(const char *name, char *buffer, size_t *size, int *status)</c>, Itanium C++ ABI 3.4: a buffer from
    /// malloc, or none, which it may replace.
    /// </summary>
    private static delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> s_demangle;
    private static bool s_looked;
    private static byte* s_buffer;
    private static nuint s_size;

    /// <summary>Where the calling thread's stack ends; 0: not looked yet.</summary>
    private static ulong s_stackEnd;

    /// <summary>Whose name stands in the buffer.</summary>
    private static Site* s_site;

    /// <summary>A function's name, 0-terminated, until the next call or <see cref="End"/>. What cannot be turned back is left as it is.</summary>
    public static byte* NameOf(Site* site)
    {
        if (site == s_site)
        {
            return s_buffer;
        }

        if (!Symbol(site).StartsWith("_Z"u8) || site->NameLength > MaxLength || !IsThere || !HasStackFor(site->NameLength))
        {
            return site->Name;
        }

        nuint size = s_size;
        int status;
        NmiThread* self = Native.CurrentThread;
        TraceThreads.BeginHandler(self);
        byte* name = s_demangle(site->Name, s_buffer, &size, &status);
        TraceThreads.EndHandler(self);
        s_site = null;
        if (name == null)
        {
            return site->Name; // the buffer is ours still
        }

        s_buffer = name;
        s_size = size;
        s_site = site;
        return name;
    }

    /// <summary>The same in parts; those of a C name are one.</summary>
    public static CxxName PartsOf(Site* site)
    {
        ReadOnlySpan<byte> symbol = Symbol(site);
        bool special = symbol.StartsWith("_ZT"u8) || symbol.StartsWith("_ZG"u8);
        return new CxxName(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(NameOf(site)), isPlain: !special);
    }

    private static ReadOnlySpan<byte> Symbol(Site* site) => new(site->Name, site->NameLength);

    /// <summary>Before the locks are given back.</summary>
    public static void End()
    {
        if (s_buffer != null)
        {
            NmiThread* self = Native.CurrentThread;
            TraceThreads.BeginHandler(self);
            Native.Table->Free(s_buffer);
            TraceThreads.EndHandler(self);
        }

        s_buffer = null;
        s_size = 0;
        s_site = null;
        s_demangle = null;
        s_looked = false;
        s_stackEnd = 0;
    }

    private static bool HasStackFor(int length)
    {
        byte here;
        if (s_stackEnd == 0)
        {
            s_stackEnd = FindStackEnd((ulong)&here);
        }

        return (ulong)&here - s_stackEnd >= StackForRest + (ulong)length * StackForEach;
    }

    /// <summary>The main thread's stack grows, and is far from its end; another's is a mapping of its own.</summary>
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

    /// <summary>Looked for once: of several, that of the object that was opened first.</summary>
    private static bool IsThere
    {
        get
        {
            for (LoadedObject* target = LoadedObjects.First; target != null && !s_looked; target = target->Next)
            {
                if (new DynamicSymbols(target).TryFind("__cxa_demangle"u8, out ulong function))
                {
                    s_demangle = (delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*>)function;
                }
            }

            s_looked = true;
            return s_demangle != null;
        }
    }
}
