using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>What a process must be to be attached to, as far as it can be seen without touching it.</summary>
internal static class TargetChecks
{
    private const ulong ProgramHeaderSize = 56; // Elf64_Phdr

    /// <exception cref="AttachException">It cannot be attached to.</exception>
    public static void CheckStatus(TargetProcess process, ProcessStatus status, bool force)
    {
        if (status.HasEnded)
        {
            throw process.Refuse(AttachRefusal.Ended, process.ReadThreads().Count > 1
                ? "its main thread has ended, and the others cannot be reached through it; start it with: ftrace record"
                : "the process has ended, and its parent has not waited for it");
        }

        if (status.IsKernelThread)
        {
            throw process.Refuse(AttachRefusal.KernelThread, $"is a thread of the kernel ({status.Name}); use perf, or the kernel's own ftrace");
        }

        if (process.Pid == Environment.ProcessId)
        {
            throw process.Refuse(AttachRefusal.Busy, "is this command itself; give the id of another process");
        }

        if (status.Tracer != 0)
        {
            throw process.Refuse(AttachRefusal.Traced, $"is being traced already, by process {status.Tracer} ({Permission.NameOf(status.Tracer)}); detach that first");
        }

        if (status.State == 'T')
        {
            throw process.Refuse(AttachRefusal.Stopped, $"is stopped by a signal; continue it with: kill -CONT {process.Pid}");
        }

        if (status.HasShadowStack)
        {
            throw process.Refuse(AttachRefusal.ShadowStack, "its threads have shadow stacks, which forbid a call from outside; start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off, or with: ftrace record");
        }

        CheckSeccomp(process, status, force);
    }

    /// <summary>The same of a thread: each can have a filter of its own.</summary>
    public static void CheckSeccomp(TargetProcess process, ProcessStatus status, bool force)
    {
        if (status.Seccomp != 0 && !(force && status.Seccomp == 2))
        {
            throw process.Refuse(AttachRefusal.Seccomp, status.Seccomp == 1
                ? "is in seccomp's strict mode: opening a library would end it; start it with: ftrace record"
                : "has a seccomp filter, which may end it when it opens a library; allow openat, mmap, clone3, socketpair and tgkill, or use --force");
        }
    }

    /// <summary>Checks the machine, and that there is a loader.</summary>
    /// <returns>Where the loader is mapped.</returns>
    public static ulong CheckAuxiliaryVector(TargetProcess process, ReadOnlySpan<byte> vector)
    {
        var values = new AuxiliaryVector(vector);
        if (values.Find(AuxiliaryVector.HeaderSize) != ProgramHeaderSize)
        {
            throw process.Refuse(AttachRefusal.OtherMachine, "is a 32-bit program; only those for x86-64 can be traced");
        }

        return values.Find(AuxiliaryVector.Loader);
    }

    /// <summary>Checks which C library the process has.</summary>
    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="loader">Where its loader is mapped.</param>
    /// <param name="loaderName">The name of the loader's file.</param>
    /// <returns>The mappings of libc.</returns>
    public static List<Mapping> CheckLibraries(TargetProcess process, TargetMaps maps, ulong loader, out string loaderName)
    {
        foreach (Mapping mapping in maps.All)
        {
            // There the loader and libc are one file, and one of the names is a link to the other.
            bool isMusl = mapping.FileName.StartsWith("ld-musl") || mapping.FileName.StartsWith("libc.musl") || (mapping.FileName is "libc.so" && mapping.Start == loader);
            if (isMusl)
            {
                throw process.Refuse(AttachRefusal.Musl, "runs with musl, and the library is for glibc; use a build of the program for glibc");
            }

            if (mapping.FileName.StartsWith("vgpreload_"))
            {
                throw process.Refuse(AttachRefusal.Emulated, "runs in valgrind, which has threads and memory of its own; run it without");
            }
        }

        // A program that is started as an argument of the loader has AT_BASE 0.
        Mapping? first = loader != 0 ? maps.At(loader) : FirstLoader(maps);
        List<Mapping> libc = MainNamespace.Choose(process.Memory, first?.Start ?? 0, maps.OfObjects(mapping => mapping.FileName is "libc.so.6" || mapping.FileName.StartsWith("libc-2.")));
        if (first is null && libc.Count == 0)
        {
            throw process.Refuse(AttachRefusal.Static, "is linked statically, and has no loader that could open the library; link it dynamically, or link it with the library");
        }

        loaderName = first?.Name ?? "";
        return libc.Count != 0
            ? libc
            : throw process.Refuse(AttachRefusal.NoLibc, "has no glibc (libc.so.6), whose dlopen is needed; start it with: ftrace record");
    }

    private static Mapping? FirstLoader(TargetMaps maps)
    {
        List<Mapping> loader = maps.OfObject(mapping => mapping.FileName.StartsWith("ld-linux-x86-64.so") || mapping.FileName.StartsWith("ld-2."));
        return loader.Count == 0 ? null : loader[0];
    }
}
