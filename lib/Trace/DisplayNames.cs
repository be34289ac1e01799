using System;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Names;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>
/// The names of sites as people write them, if the process has a C++ library. Called with the trace mutex and the loader's lock held, so
/// that the library cannot go.
/// </summary>
/// <remarks>
/// It, and malloc, may be traced. A handler that wants the loader's lock would wait for a thread that is opening an object, and
/// that one for us: so handlers are not called from here.
/// </remarks>
internal static unsafe class DisplayNames
{
    private static delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> s_demangle;
    private static bool s_searched;

    /// <summary>Whose name the demangler has, and what it is.</summary>
    private static Site* s_site;
    private static byte* s_name;

    /// <summary>A function's name, 0-terminated, until the next call or <see cref="End"/>. What cannot be turned back is left as it is.</summary>
    public static byte* NameOf(Site* site)
    {
        if (site == s_site)
        {
            return s_name;
        }

        if (!Symbol(site).StartsWith("_Z"u8) || !HasDemangler || !Demangler.CanDemangle(Symbol(site)))
        {
            return site->Name;
        }

        NmiThread* self = CurrentThread.Words;
        TraceThreads.BeginHandler(self);
        byte* name = Demangler.Demangle(s_demangle, site->Name);
        TraceThreads.EndHandler(self);
        s_site = name != null ? site : null;
        s_name = name;
        return name != null ? name : site->Name;
    }

    /// <summary>The same in parts; those of a C name are one.</summary>
    public static CxxName PartsOf(Site* site)
    {
        ReadOnlySpan<byte> symbol = Symbol(site);
        bool special = symbol.StartsWith("_ZT"u8) || symbol.StartsWith("_ZG"u8);
        return new CxxName(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(NameOf(site)), isPlain: !special);
    }

    /// <summary>Before the locks are given back.</summary>
    public static void End()
    {
        if (Demangler.HasBuffer)
        {
            NmiThread* self = CurrentThread.Words;
            TraceThreads.BeginHandler(self);
            Demangler.End();
            TraceThreads.EndHandler(self);
        }
        else
        {
            Demangler.End();
        }

        s_site = null;
        s_name = null;
        s_demangle = null;
        s_searched = false;
    }

    private static ReadOnlySpan<byte> Symbol(Site* site) => new(site->Name, site->NameLength);

    /// <summary>Looked for once: of several, that of the object that was opened first.</summary>
    private static bool HasDemangler
    {
        get
        {
            for (LoadedObject* target = LoadedObjects.First; target != null && !s_searched; target = target->Next)
            {
                if (new DynamicSymbols(&target->Image).TryFind(Demangler.Function, out ulong function))
                {
                    s_demangle = (delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*>)function;
                }
            }

            s_searched = true;
            return s_demangle != null;
        }
    }
}
