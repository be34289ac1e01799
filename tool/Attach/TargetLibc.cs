using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>What is called in a process, and returned to: found in its memory.</summary>
internal sealed class TargetLibc
{
    private const ulong Now = 2; // RTLD_NOW
    private const ulong KeepForEver = 0x1000; // RTLD_NODELETE
    private const ulong InternalOpen = 0x80000000; // __RTLD_DLOPEN, which __libc_dlopen_mode() wants
    private const ulong LargestCode = 64 << 20; // ten times that of libc

    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="libc">The mappings of the libc that the program uses.</param>
    /// <exception cref="AttachException">Something is missing.</exception>
    public TargetLibc(TargetProcess process, TargetMaps maps, List<Mapping> libc)
    {
        if (!process.Memory.TryRead(libc[0].Start, out ulong _))
        {
            throw process.RefuseEnded();
        }

        var image = new TargetObject(process.Memory, libc[0].Start);
        ErrnoLocation = image.Find("__errno_location");
        OpenFlags = Now | KeepForEver;
        Open = image.Find("dlopen");
        LastError = image.Find("dlerror");
        if (Open == 0)
        {
            // Before glibc 2.34 dlopen was in a library of its own.
            ulong loader = new AuxiliaryVector(process.ReadAuxiliaryVector()).Find(AuxiliaryVector.Loader);
            List<Mapping> libdl = MainNamespace.Choose(process.Memory, loader, maps.OfObjects(mapping => mapping.FileName is "libdl.so.2" || mapping.FileName.StartsWith("libdl-2.")));
            if (libdl.Count != 0)
            {
                var other = new TargetObject(process.Memory, libdl[0].Start);
                Open = other.Find("dlopen");
                LastError = other.Find("dlerror");
            }
        }

        if (Open == 0)
        {
            Open = image.Find("__libc_dlopen_mode");
            OpenFlags |= InternalOpen;
        }

        if (Open == 0 || ErrnoLocation == 0)
        {
            throw process.Refuse(AttachRefusal.NoLibc, $"its libc ({libc[0].Name}) has no dlopen; start it with: ftrace record");
        }

        ErrnoOffset = ReadErrnoOffset(process.Memory, ErrnoLocation);
        Codes = new CodeSequences { SetContext = image.Find("setcontext"), SystemCallFunction = image.Find("syscall") };
        foreach (Mapping mapping in libc)
        {
            if (mapping.IsExecutable && mapping.IsReadable && mapping.End - mapping.Start <= LargestCode && !Codes.IsComplete)
            {
                byte[] code = new byte[mapping.End - mapping.Start];
                if (process.Memory.TryRead(mapping.Start, code))
                {
                    Codes.Search(code, mapping.Start);
                }
            }
        }

        if (!Codes.IsComplete)
        {
            throw process.Refuse(AttachRefusal.NoLibc, $"its libc ({libc[0].Name}) has not the instructions that calls return through; start it with: ftrace record");
        }
    }

    /// <summary>dlopen(3), or what does the same.</summary>
    public ulong Open { get; }

    /// <summary>Its second argument.</summary>
    public ulong OpenFlags { get; }

    /// <summary>dlerror(3); 0: there is none.</summary>
    public ulong LastError { get; }

    public ulong ErrnoLocation { get; }

    /// <summary>Where errno is, from the base of fs; null: only that function knows.</summary>
    public ulong? ErrnoOffset { get; }

    /// <summary>What calls return to.</summary>
    public CodeSequences Codes { get; }

    /// <summary>
    /// What glibc's function does, so that no thread has to be waited for to do it: <c>mov offset(%rip), %rax; add %fs:0, %rax; ret</c>,
    /// perhaps after <c>endbr64</c>.
    /// </summary>
    internal static ulong? ReadErrnoOffset(ITargetMemory memory, ulong function)
    {
        ReadOnlySpan<byte> landing = [0xf3, 0x0f, 0x1e, 0xfa];
        ReadOnlySpan<byte> load = [0x48, 0x8b, 0x05];
        ReadOnlySpan<byte> add = [0x64, 0x48, 0x03, 0x04, 0x25, 0, 0, 0, 0, 0xc3];
        const int LoadLength = 7;

        Span<byte> bytes = stackalloc byte[4 + LoadLength + 10];
        if (!memory.TryRead(function, bytes))
        {
            return null;
        }

        int start = bytes.StartsWith(landing) ? landing.Length : 0;
        ReadOnlySpan<byte> code = bytes[start..];
        if (!code.StartsWith(load) || !code[LoadLength..].StartsWith(add))
        {
            return null;
        }

        ulong slot = function + (ulong)(start + LoadLength + BitConverter.ToInt32(code[load.Length..]));
        return memory.TryRead(slot, out ulong offset) ? offset : null;
    }
}
