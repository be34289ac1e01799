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
        using var files = new TargetFiles(process);
        if (IsSame(own, files, own))
        {
            return own;
        }

        if (process.ReadStatus().HasEnded)
        {
            throw process.RefuseEnded();
        }

        if (options.CopyTo != null)
        {
            return Copy(process, files, own, options.CopyTo);
        }

        using FileStream? other = Open(files, own);
        throw process.Refuse(AttachRefusal.NotVisible,
            $"in its file system {own} is {(other != null ? "another file" : "not there")}; name a folder of that file system with --copy-to, and the library is copied there");
    }

    private static FileStream? Open(TargetFiles files, string path)
    {
        try
        {
            return files.Open(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsSame(string one, TargetFiles files, string other)
    {
        try
        {
            using FileStream first = File.OpenRead(one);
            using FileStream? second = files.Open(other);
            if (second == null || first.Length != second.Length)
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

    /// <summary>
    /// Copies it, over a file of that name: one that is there may be the same now, and another one when the process opens it. It gets its name when it is
    /// whole, and is never written over: another process may have it mapped.
    /// </summary>
    private static string Copy(TargetProcess process, TargetFiles files, string own, string folder)
    {
        string name = Path.GetFileName(own);
        string path = Path.Combine(Path.GetFullPath(folder, "/"), name);
        using TargetPlace? place = files.OpenFolder(Path.GetDirectoryName(path)!);
        if (place == null)
        {
            throw process.Refuse(AttachRefusal.NotVisible, $"{folder} cannot be used in its file system: {Libc.TextOf(Libc.Errno)}; name another folder with --copy-to");
        }

        string part = $"{place.Path}/{name}.{Environment.ProcessId}";
        try
        {
            File.Copy(own, part);
            File.Move(part, $"{place.Path}/{name}", true);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(part);
            throw process.Refuse(AttachRefusal.NotVisible, $"the library cannot be copied to {path} in its file system: {e.Message}");
        }
    }
}
