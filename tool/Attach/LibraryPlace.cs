using System;
using System.IO;

namespace Ftrace.Tool.Attach;

/// <summary>Where the process sees the library's file: in a container the file system is another one.</summary>
internal static class LibraryPlace
{
    /// <returns>The path that the process opens.</returns>
    /// <exception cref="AttachException">The library is not there.</exception>
    public static string Find(TargetProcess process, AttachOptions options)
    {
        string path = Path.GetFullPath(options.Library);
        string own = new FileInfo(path).ResolveLinkTarget(true)?.FullName ?? path;
        if (IsSame(own, process.Root + own))
        {
            return own;
        }

        if (process.ReadStatus().State is 'Z' or 'X')
        {
            throw process.RefuseEnded();
        }

        if (options.CopyTo != null)
        {
            return Copy(process, own, options.CopyTo);
        }

        string state = File.Exists(process.Root + own) ? "is another file" : "is not there";
        throw process.Refuse(AttachRefusal.NotVisible, $"in its file system {own} {state}; copy it there: cp {own} {process.Root}{own}, or name a folder of that file system with --copy-to");
    }

    private static bool IsSame(string one, string other)
    {
        try
        {
            using FileStream first = File.OpenRead(one);
            using FileStream second = File.OpenRead(other);
            if (first.Length != second.Length)
            {
                return false;
            }

            byte[] some = new byte[1 << 16];
            byte[] others = new byte[1 << 16];
            for (int count = first.ReadAtLeast(some, some.Length, false); count != 0; count = first.ReadAtLeast(some, some.Length, false))
            {
                if (second.ReadAtLeast(others, count, false) < count || !some.AsSpan(0, count).SequenceEqual(others.AsSpan(0, count)))
                {
                    return false;
                }
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Copy(TargetProcess process, string own, string folder)
    {
        string path = Path.Combine(Path.GetFullPath(folder, "/"), Path.GetFileName(own));
        string there = process.Root + path;
        if (IsSame(own, there))
        {
            return path;
        }

        // Never written over: another process may have it mapped.
        string part = $"{there}.{Environment.ProcessId}";
        try
        {
            File.Copy(own, part);
            File.Move(part, there, true);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(part);
            throw process.Refuse(AttachRefusal.NotVisible, $"the library cannot be copied to {there}: {e.Message}");
        }
    }
}
