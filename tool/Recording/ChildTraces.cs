using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Ftrace.Tool.Recording;

/// <summary>The files of programs that the program has started: FILE.PID, and FILE.PID.1 if that one executed another in its place.</summary>
internal sealed class ChildTraces
{
    private readonly string _path;
    private readonly HashSet<string> _older;

    /// <summary>Those that are there now are of others.</summary>
    /// <param name="path">FILE, absolute.</param>
    public ChildTraces(string path)
    {
        _path = path;
        _older = [.. Files()];
    }

    public bool IsOlder(string file) => _older.Contains(file);

    /// <summary>The new ones, by name.</summary>
    /// <param name="empty">How many more there are that no thread has recorded to.</param>
    public List<string> Find(out int empty)
    {
        var files = new List<string>();
        empty = 0;
        foreach (string file in Files())
        {
            if (_older.Contains(file))
            {
                continue;
            }

            if (HasEvents(file))
            {
                files.Add(file);
            }
            else
            {
                empty++;
            }
        }

        files.Sort(StringComparer.Ordinal);
        return files;
    }

    private static bool HasEvents(string path)
    {
        int file = Libc.Open(path, Libc.O_RDWR | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
        if (file < 0)
        {
            return false;
        }

        try
        {
            var copy = new TraceCopy(file);
            return copy.TryRead() && copy.HasEvents;
        }
        catch (IOException)
        {
            return false; // it is damaged
        }
        finally
        {
            Libc.Close(file);
        }
    }

    private IEnumerable<string> Files()
    {
        string name = Path.GetFileName(_path) + ".";
        string[] found;
        try
        {
            found = Directory.GetFiles(Path.GetDirectoryName(_path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            yield break; // they are reported only
        }

        foreach (string file in found)
        {
            string last = Path.GetFileName(file);
            if (last.StartsWith(name, StringComparison.Ordinal) && IsId(last.AsSpan(name.Length)))
            {
                yield return file;
            }
        }
    }

    private static bool IsId(ReadOnlySpan<char> text)
    {
        int dot = text.IndexOf('.');
        return int.TryParse(dot < 0 ? text : text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && (dot < 0 || int.TryParse(text[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }
}
