using System;
using System.IO;

namespace Ftrace.Tool.Control;

/// <summary>
/// A file that another process has open. That one may change its descriptors at any time, and may be of a user who has no right to what this process may
/// open: so the file is fixed first, without opening it, and written to only if the process itself has it open for that.
/// </summary>
internal sealed class ProcessFile : IDisposable
{
    private const int TypeMask = 0xf000;
    private const int RegularFile = 0x8000;
    private const int AccessMask = 3;

    private readonly int _place;

    private ProcessFile(int place) => _place = place;

    /// <param name="pid">The process.</param>
    /// <param name="number">Its descriptor.</param>
    /// <returns>Null: it is not a regular file, or the process does not have it open for reading and writing.</returns>
    public static ProcessFile? Find(int pid, int number)
    {
        int place = Libc.Open($"/proc/{pid}/fd/{number}", Libc.O_PATH | Libc.O_CLOEXEC);
        if (place < 0)
        {
            return null;
        }

        var file = new ProcessFile(place);
        int mode = Recording.Libc.ModeOf(file.Path, follow: true);
        if (mode >= 0 && (mode & TypeMask) == RegularFile && file.IsOpenForWriting(pid, number))
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    private string Path => $"/proc/self/fd/{_place}";

    /// <returns>A descriptor, or -1.</returns>
    public int OpenToRead() => Libc.Open(Path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC);

    /// <summary>Likewise.</summary>
    public int OpenToWrite() => Libc.Open(Path, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC);

    public void Dispose() => Libc.Close(_place);

    /// <summary>The descriptor is still that of this file, which its mount and its number on it say, and may be written to.</summary>
    private bool IsOpenForWriting(int pid, int number)
    {
        try
        {
            string there = File.ReadAllText($"/proc/{pid}/fdinfo/{number}");
            string here = File.ReadAllText($"/proc/self/fdinfo/{_place}");
            return ValueOf(there, "mnt_id:") == ValueOf(here, "mnt_id:") && ValueOf(there, "ino:") == ValueOf(here, "ino:")
                && (Convert.ToInt32(ValueOf(there, "flags:"), 8) & AccessMask) == Libc.O_RDWR;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return false;
        }
    }

    /// <summary>proc_pid_fdinfo(5). Empty: before Linux 5.14 there is no inode number.</summary>
    private static string ValueOf(string text, string key)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(key, StringComparison.Ordinal))
            {
                return line[key.Length..].Trim();
            }
        }

        return "";
    }
}
