using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Names;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Protocol;

namespace Ftrace.Trace;

/// <summary>
/// The demangled names of sites: those of C++ if the process has a C++ library. Called with the trace mutex and the loader's lock held, so
/// that the library cannot be unloaded.
/// </summary>
/// <remarks>
/// The demangler and malloc may be traced. A handler that takes the loader's lock would wait for a thread that is opening an object, and
/// that thread for us: so handlers are not called from here.
/// </remarks>
internal static unsafe class DisplayNames
{
    private static delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*> s_demangle;
    private static bool s_searched;
    private static bool s_isExpected;

    /// <summary>
    /// A C++ name was asked for since this was last reset, and there was no demangler yet: one is in an object that has not been relocated, or may be
    /// in one that has not been mapped, while others that need it have.
    /// </summary>
    public static bool ExpectedDemangler { get; set; }

    /// <summary>The last symbol that was demangled, and its name.</summary>
    private static byte* s_symbol;
    private static byte* s_name;

    /// <summary>
    /// A function's name, 0-terminated; valid until the next call or <see cref="End"/>. A symbol that cannot be demangled is returned as it is.
    /// </summary>
    public static byte* NameOf(Site* site)
    {
        if (site->Name == s_symbol)
        {
            return s_name;
        }

        if (IsRust(site))
        {
            s_name = RustDemangler.Demangle(Symbol(site));
            s_symbol = s_name != null ? site->Name : null;
            return s_name != null ? s_name : site->Name;
        }

        if (!Symbol(site).StartsWith("_Z"u8) || !HasDemangler || !Demangler.CanDemangle(Symbol(site)))
        {
            return site->Name;
        }

        NmiThread* self = CurrentThread.Words;
        TraceThreads.BeginHandler(self);
        byte* name = Demangler.Demangle(s_demangle, site->Name);
        TraceThreads.EndHandler(self);
        s_symbol = name != null ? site->Name : null;
        s_name = name;
        return name != null ? name : site->Name;
    }

    /// <summary>The same in parts; a C name is a single one.</summary>
    public static CxxName PartsOf(Site* site)
    {
        ReadOnlySpan<byte> symbol = Symbol(site);
        bool special = symbol.StartsWith("_ZT"u8) || symbol.StartsWith("_ZG"u8);
        return new CxxName(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(NameOf(site)), isPlain: !special);
    }

    /// <summary>True for a function that a Rust compiler has named.</summary>
    public static bool IsRust(Site* site) => RustDemangler.IsRust(Symbol(site));

    /// <summary>True for a function with a C++ name that is not demangled because the process has no C++ library.</summary>
    public static bool LacksDemangler(Site* site) => Symbol(site).StartsWith("_Z"u8) && !IsRust(site) && !HasDemangler;

    /// <summary>Frees the buffers. Called before the locks are released.</summary>
    public static void End()
    {
        NameBuffer.Free();
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

        s_symbol = null;
        s_name = null;
        s_demangle = null;
        s_searched = false;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FindDemangler(DlPhdrInfo* info, nuint size, void* data)
    {
        var image = new ElfImage { Base = info->Base, Headers = info->Headers, HeaderCount = info->HeaderCount };
        var symbols = new DynamicSymbols(&image);
        bool found = symbols.TryFind(Demangler.Function, out ulong function, out bool isExpected);
        s_isExpected |= isExpected;
        s_demangle = found ? (delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*>)function : null;
        return found ? 1 : 0;
    }

    private static ReadOnlySpan<byte> Symbol(Site* site) => new(site->Name, site->NameLength);

    /// <summary>Searched once a call. If several objects have a demangler, that of the object that was opened first is used.</summary>
    private static bool HasDemangler
    {
        get
        {
            for (LoadedObject* target = LoadedObjects.First; target != null && !s_searched; target = target->Next)
            {
                // What another C library has allocated cannot be freed by ours.
                if (!target->IsElsewhere && new DynamicSymbols(&target->Image).TryFind(Demangler.Function, out ulong function, out _))
                {
                    s_demangle = (delegate* unmanaged[Cdecl]<byte*, byte*, nuint*, int*, byte*>)function;
                }
            }

            if (!s_searched && s_demangle == null)
            {
                s_isExpected = Native.Table->LoaderIsConsistent() == 0;
                DlPhdrInfo.Iterate(&FindDemangler, null); // in objects that are not read yet
            }

            s_searched = true;
            ExpectedDemangler |= s_demangle == null && s_isExpected;
            return s_demangle != null;
        }
    }
}
