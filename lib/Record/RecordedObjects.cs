using System;
using System.Runtime.InteropServices;
using Ftrace.Elf;
using Ftrace.Linux;
using Ftrace.Objects;

namespace Ftrace.Record;

/// <summary>
/// Writes which objects there are, and the names of their functions, as soon as the library knows them: later they may be closed, and the
/// process may be killed. Called with the trace mutex and the loader's lock held.
/// </summary>
internal static unsafe class RecordedObjects
{
    private const int LongestName = 16 << 10; // half a block

    private static uint s_count;
    private static uint s_session;

    /// <summary>The names of all functions are wanted, and not only of those that can be traced.</summary>
    public static bool HasSamples { get; set; }

    /// <summary>A recording begins: its file knows no object.</summary>
    public static void Reset()
    {
        s_session++;
        s_count = 0;
    }

    /// <summary>Writes what is new.</summary>
    public static void Update()
    {
        if (RecorderWords.Shared->Header == null)
        {
            return; // the child of a fork
        }

        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        for (LoadedObject* target = LoadedObjects.First; target != null; target = target->Next)
        {
            if (target->RecordedIn == s_session)
            {
                continue;
            }

            target->RecordedIn = s_session;
            target->RecordNumber = ++s_count;
            Write(target);
            WriteSymbols(target);
            if (HasSamples)
            {
                OtherFunctions.Write(target);
            }
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
    }

    /// <summary>An object was closed.</summary>
    public static void NoteClosed(LoadedObject* target)
    {
        if (target->RecordedIn != s_session || RecorderWords.Shared->Header == null)
        {
            return;
        }

        FutexMutex.Lock(&RecorderState.Shared->FileMutex);
        if (InfoWriter.Begin(InfoKind.ObjectClosed, 16))
        {
            InfoWriter.Add(target->RecordNumber);
            InfoWriter.Add(0u);
            InfoWriter.Add(ClockTimes.Read().Tsc);
            InfoWriter.End();
        }

        FutexMutex.Unlock(&RecorderState.Shared->FileMutex);
    }

    private static void Write(LoadedObject* target)
    {
        ReadOnlySpan<byte> path = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(target->Path);
        byte* program = stackalloc byte[Memory.PageSize];
        if (path.IsEmpty)
        {
            path = RecordedProcess.ReadLink("/proc/self/exe\0"u8, program, Memory.PageSize);
        }

        ReadOnlySpan<byte> id = DebugFile.IdOf(&target->Image);
        if (!InfoWriter.Begin(InfoKind.Object, 64 + id.Length + path.Length))
        {
            return;
        }

        target->Image.Range(out ulong start, out ulong end);
        InfoWriter.Add(target->RecordNumber);
        InfoWriter.Add(0u);
        InfoWriter.Add(ClockTimes.Read().Tsc);
        InfoWriter.Add(start);
        InfoWriter.Add(end);
        InfoWriter.Add(target->Image.Base);
        InfoWriter.Add((uint)id.Length);
        InfoWriter.Add((uint)path.Length);
        InfoWriter.Add(id);
        InfoWriter.Add(path);
        InfoWriter.End();
    }

    private static void WriteSymbols(LoadedObject* target)
    {
        uint count = 0;
        for (int i = 0; i < target->SiteCount; i++)
        {
            Site* site = target->FirstSite + i;
            if (site->NameLength == 0)
            {
                continue;
            }

            if (!TryAdd(InfoKind.Symbols, target, site->Ip, 0, new ReadOnlySpan<byte>(site->Name, site->NameLength), ref count))
            {
                return;
            }
        }

        InfoWriter.End();
    }

    /// <summary>Adds a function to the record that was begun, or to a new one; <see cref="InfoWriter.End"/> has to follow the last one.</summary>
    /// <param name="kind">Of the records.</param>
    /// <param name="target">The object.</param>
    /// <param name="address">The address.</param>
    /// <param name="size">In bytes; 0: not known.</param>
    /// <param name="name">The name of the symbol.</param>
    /// <param name="count">How many the record has.</param>
    /// <returns>False if the file cannot grow.</returns>
    public static bool TryAdd(InfoKind kind, LoadedObject* target, ulong address, uint size, ReadOnlySpan<byte> name, ref uint count)
    {
        name = name[..Math.Min(name.Length, LongestName)];
        int bytes = 16 + name.Length + 8;
        if (InfoWriter.Room < bytes)
        {
            InfoWriter.End();
            count = 0;
            if (!InfoWriter.Begin(kind, 8 + bytes))
            {
                return false;
            }

            InfoWriter.Add(target->RecordNumber);
            InfoWriter.Add(0u);
        }

        InfoWriter.Add(address);
        InfoWriter.Add(size);
        InfoWriter.Add((uint)name.Length);
        InfoWriter.Add(name);
        InfoWriter.Pad();
        InfoWriter.Replace(sizeof(uint), ++count);
        return true;
    }
}
