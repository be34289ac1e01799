// SPDX-License-Identifier: MIT

using System;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Ftrace.Hosts;

/// <summary>The C functions: those of work.h, and those of the library for a program that uses it itself.</summary>
internal static unsafe class Native
{
    private const string Work = "work";
    private const string Ftrace = "ftrace";

    [DllImport(Work, EntryPoint = "work_unit")]
    public static extern ulong Unit(ulong seed);

    [DllImport(Work, EntryPoint = "work_call")]
    public static extern ulong Call(delegate* unmanaged<ulong, ulong> function, ulong value);

    [DllImport(Work, EntryPoint = "work_checksum")]
    public static extern ulong Checksum();

    [DllImport(Work, EntryPoint = "work_continues")]
    public static extern int Continues(nuint least);

    [DllImport(Ftrace, EntryPoint = "ftrace_set_filter")]
    public static extern int SetFilter(Ops* ops, byte* pattern, nuint length, int reset);

    [DllImport(Ftrace, EntryPoint = "ftrace_register_function")]
    public static extern int Register(Ops* ops);

    [DllImport(Ftrace, EntryPoint = "ftrace_unregister_function")]
    public static extern int Unregister(Ops* ops);

    /// <summary>Where the two are.</summary>
    public static void SetPaths(string work, string? ftrace)
    {
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name switch
        {
            Work => NativeLibrary.Load(work),
            Ftrace when ftrace != null => NativeLibrary.Load(ftrace),
            _ => IntPtr.Zero,
        });
    }
}
