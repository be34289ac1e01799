using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Objects;
using Ftrace.Text;

namespace Ftrace.Trace;

/// <summary>What is at an address: <c>ftrace_lookup()</c>. Called with the trace mutex held.</summary>
internal unsafe struct AddressLookup
{
    public ulong Ip;

    /// <summary>Memory of the host's for the strings; null: they are not wanted.</summary>
    public byte* Buffer;

    public nuint Size;

    /// <summary>The result; its size is not set.</summary>
    public FtraceSymbol Found;

    private nuint _used;
    private int _result;

    /// <summary>The names of the kernel's /proc/kallsyms for code that ftrace makes.</summary>
    private static ReadOnlySpan<byte> Trampoline => "ftrace_trampoline"u8;

    private static ReadOnlySpan<byte> NoObject => "__builtin__ftrace"u8;

    /// <returns>0 or -errno.</returns>
    public int Run()
    {
        _result = -Errno.ENOENT;
        fixed (AddressLookup* argument = &this)
        {
            DlPhdrInfo.Iterate(&RunLocked, argument);
        }

        return _result == -Errno.ENOENT ? FindStub() : _result;
    }

    /// <summary>Called once: in all namespaces, with the loader's lock held.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RunLocked(DlPhdrInfo* info, nuint size, void* data)
    {
        var lookup = (AddressLookup*)data;
        LoadedObjects.LookForClosed(info);
        DlPhdrInfo.Iterate(&Visit, lookup);
        if (lookup->_result == -Errno.ENOENT)
        {
            DlPhdrInfo.IterateOthers(&Visit, lookup);
        }

        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Visit(DlPhdrInfo* info, nuint size, void* data)
    {
        var lookup = (AddressLookup*)data;
        var target = new LoadedObject { Path = info->Name };
        target.Image.Base = info->Base;
        target.Image.Headers = info->Headers;
        target.Image.HeaderCount = info->HeaderCount;
        if (!target.Image.Contains(lookup->Ip, 1, Elf.ProgramHeader.Executable))
        {
            return 0;
        }

        lookup->_result = lookup->Find(&target, LoadedObjects.Find(info));
        DisplayNames.End();
        return 1;
    }

    private int Find(LoadedObject* target, LoadedObject* known)
    {
        Found.Base = target->Image.Base;
        Found.Offset = Ip - Found.Base;
        if (!TryAdd(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->Path), out Found.Object))
        {
            return -Errno.ENAMETOOLONG;
        }

        if (TraceText.Contains(Ip))
        {
            return Set(Trampoline, TraceText.Start, TraceText.End - TraceText.Start);
        }

        if (GraphText.SlotAround(Ip) != null)
        {
            ulong block = Ip - (Ip - (ulong)Native.Table->GraphBlocks) % Offsets.GraphSlots_BlockSize;
            return Set(Trampoline, block, Offsets.GraphSlots_BlockSize);
        }

        ulong redZone = Ip - (ulong)Native.Table->RedZoneCallers;
        if (redZone < Offsets.RedZone_Count * Offsets.RedZone_CallerSize)
        {
            return Set(Trampoline, Ip - redZone % Offsets.RedZone_CallerSize, Offsets.RedZone_CallerSize);
        }

        var rest = new Span<byte>(Buffer + _used, (int)Math.Min(Size - _used, int.MaxValue));
        if (Buffer != null && rest.IsEmpty)
        {
            return -Errno.ENAMETOOLONG;
        }

        var lookup = new FunctionLookup(target, known, Ip, Buffer == null ? default : rest);
        int error = lookup.Run();
        if (error != 0)
        {
            return error;
        }

        Found.Function = lookup.Start;
        Found.Length = lookup.End - lookup.Start;
        Found.Site = lookup.Site;
        if (!lookup.IsNamed)
        {
            return 0;
        }

        Found.Offset = Ip - lookup.Start;
        return Buffer == null || TryDisplay(lookup.NameLength) ? 0 : -Errno.ENAMETOOLONG;
    }

    /// <summary>Keeps the name that is next in the buffer, and adds its readable form if it has another one.</summary>
    private bool TryDisplay(int length)
    {
        Found.Name = Buffer + _used;
        Found.Display = Found.Name;
        _used += (nuint)length + 1;
        var site = new Site { Name = Found.Name, NameLength = (ushort)length };
        byte* name = DisplayNames.NameOf(&site);
        return name == Found.Name || TryAdd(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name), out Found.Display);
    }

    /// <summary>The code that this library has made near objects is in none.</summary>
    private int FindStub()
    {
        if (!StubArea.TryFind(Ip, out ulong area, out ulong stub, out uint size))
        {
            return -Errno.ENOENT;
        }

        Found.Base = area;
        return TryAdd(NoObject, out Found.Object) ? Set(Trampoline, stub, size) : -Errno.ENAMETOOLONG;
    }

    private int Set(ReadOnlySpan<byte> name, ulong start, ulong length)
    {
        Found.Function = start;
        Found.Length = length;
        Found.Offset = Ip - start;
        bool added = TryAdd(name, out Found.Name);
        Found.Display = Found.Name;
        return added ? 0 : -Errno.ENAMETOOLONG;
    }

    /// <summary>Adds a string to the buffer, if strings are wanted. False if it does not fit.</summary>
    private bool TryAdd(ReadOnlySpan<byte> text, out byte* at)
    {
        at = null;
        if (Buffer == null)
        {
            return true;
        }

        if ((nuint)text.Length >= Size - _used)
        {
            return false;
        }

        at = Buffer + _used;
        text.CopyTo(new Span<byte>(at, text.Length));
        at[text.Length] = 0;
        _used += (nuint)text.Length + 1;
        return true;
    }
}
