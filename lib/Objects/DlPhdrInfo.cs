using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary><c>struct dl_phdr_info</c>, dl_iterate_phdr(3).</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct DlPhdrInfo
{
    [FieldOffset(0)] public ulong Base;
    [FieldOffset(8)] public byte* Name;
    [FieldOffset(16)] public ProgramHeader* Headers;
    [FieldOffset(24)] public ushort HeaderCount;

    /// <summary>Objects opened so far.</summary>
    [FieldOffset(32)] public ulong Adds;

    /// <summary>Objects closed so far.</summary>
    [FieldOffset(40)] public ulong Subs;

    /// <summary>
    /// Calls a function for each object, until it returns anything but 0. The loader's lock is held meanwhile: no object is opened or closed.
    /// </summary>
    public static void Iterate(delegate* unmanaged[Cdecl]<DlPhdrInfo*, nuint, void*, int> fn, void* data) => Native.Table->IterateObjects(fn, data);

    /// <summary>
    /// The same for the objects in other namespaces, which dlmopen(3) opened, as far as the loader lists them. Called in a callback of
    /// <see cref="Iterate"/>; the counts are those of all namespaces, and are not filled in.
    /// </summary>
    public static void IterateOthers(delegate* unmanaged[Cdecl]<DlPhdrInfo*, nuint, void*, int> fn, void* data) =>
        Native.Table->IterateOtherObjects(fn, data);
}
