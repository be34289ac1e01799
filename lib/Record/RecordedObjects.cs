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
    private static uint s_count;
    private static uint s_session;

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

            int bytes = 16 + site->NameLength + 8;
            if (InfoWriter.Room < bytes)
            {
                InfoWriter.End();
                count = 0;
                if (!InfoWriter.Begin(InfoKind.Symbols, 8 + bytes))
                {
                    return;
                }

                InfoWriter.Add(target->RecordNumber);
                InfoWriter.Add(0u);
            }

            InfoWriter.Add(site->Ip);
            InfoWriter.Add(0u);
            InfoWriter.Add((uint)site->NameLength);
            InfoWriter.Add(new ReadOnlySpan<byte>(site->Name, site->NameLength));
            InfoWriter.Pad();
            InfoWriter.Replace(sizeof(uint), ++count);
        }

        InfoWriter.End();
    }
}
