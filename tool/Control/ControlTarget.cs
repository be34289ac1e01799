using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Ftrace.Record;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Control;

/// <summary>Finds the trace file of a recording that runs: of a process by its descriptors, or by the file's name.</summary>
internal static unsafe class ControlTarget
{
    private const string Remedy = "record it with: ftrace attach";

    /// <param name="target">The id of a process, or a path.</param>
    /// <returns>A descriptor of the file, open for reading and writing.</returns>
    /// <exception cref="ControlException">There is no such recording.</exception>
    public static int Open(string target)
    {
        return ProcessId.Parse(target) is { } pid ? OpenOf(pid) : OpenFile(target);
    }

    /// <summary>True if a process is known to have another root directory, or other mounts, than this one.</summary>
    public static bool SeesOtherFiles(int pid) => Differs(pid, "root") || Differs(pid, "ns/mnt");

    private static bool Differs(int pid, string link)
    {
        string? there = TargetOf($"/proc/{pid}/{link}");
        return there != null && there != TargetOf($"/proc/self/{link}");
    }

    private static string? TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int OpenFile(string path)
    {
        if (!File.Exists(path))
        {
            throw new ControlException($"{path}: no such file or process; give the id of a process, or its trace file");
        }

        int file = Libc.Open(path, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC);
        if (file < 0)
        {
            throw new ControlException($"{path}: cannot be opened: {Libc.TextOf(Libc.Errno)}{RemedyOf(Libc.Errno)}");
        }

        if (!ReadHeader(file, out ControlPage page))
        {
            Libc.Close(file);
            throw new ControlException($"{path}: is not a trace file");
        }

        var header = (TraceFileHeader*)&page;
        string? obstacle = ObstacleOf(header, page);
        if (obstacle != null)
        {
            Libc.Close(file);
            throw new ControlException($"{path}: {obstacle}");
        }

        return file;
    }

    private static string? ObstacleOf(TraceFileHeader* header, in ControlPage page)
    {
        if (header->State != TraceFileHeader.Recording)
        {
            return header->State == TraceFileHeader.Snapshot ? "is a snapshot; name the file that is recorded to" : "the recording has ended";
        }

        if (page.Magic != ControlPage.MagicNumber)
        {
            return "the recording has ended, or its library cannot be asked; give the id of the process";
        }

        return page.Version == ControlPage.CurrentVersion
            ? null
            : $"the library in the process answers requests of version {page.Version}, and this ftrace makes those of version {ControlPage.CurrentVersion}; use the ftrace of the same release";
    }

    private static int OpenOf(int pid)
    {
        if (!Directory.Exists($"/proc/{pid}"))
        {
            throw new ControlException($"{pid}: no such process");
        }

        int innerPid = InnerIdOf(pid);
        foreach (int number in DescriptorsOf(pid))
        {
            int file = OpenIfTrace(pid, number, innerPid);
            if (file >= 0)
            {
                return file;
            }
        }

        throw new ControlException($"{pid}: is not being recorded, or its library cannot be asked; {Remedy}");
    }

    /// <summary>The library has a high one, so these come first.</summary>
    private static List<int> DescriptorsOf(int pid)
    {
        var numbers = new List<int>();
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd"))
            {
                if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                {
                    numbers.Add(number);
                }
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            throw new ControlException($"{pid}: its files cannot be seen{RemedyOf(Libc.EACCES)}");
        }
        catch (IOException)
        {
            throw new ControlException($"{pid}: the process has ended");
        }

        numbers.Sort((a, b) => b.CompareTo(a));
        return numbers;
    }

    private static int OpenIfTrace(int pid, int number, int innerPid)
    {
        using ProcessFile? found = ProcessFile.Find(pid, number);
        int file = found?.OpenToRead() ?? -1;
        if (file < 0)
        {
            return -1;
        }

        // A forked child has its parent's descriptor too.
        bool isTrace = ReadHeader(file, out ControlPage page) && ((TraceFileHeader*)&page)->Pid == (uint)innerPid && ObstacleOf((TraceFileHeader*)&page, page) == null;
        Libc.Close(file);
        return isTrace ? found!.OpenToWrite() : -1;
    }

    /// <summary>Its id as it knows it itself, which is another one in a container.</summary>
    private static int InnerIdOf(int pid)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                if (line.StartsWith("NSpid:", StringComparison.Ordinal))
                {
                    string[] ids = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                    return int.Parse(ids[^1], CultureInfo.InvariantCulture);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlException($"{pid}: the process has ended");
        }

        return pid;
    }

    /// <summary>The process that records to a file, by the id that this process sees.</summary>
    /// <param name="file">Open.</param>
    /// <param name="innerPid">The id that the process has in its own PID namespace; also the result if it is not found.</param>
    public static int OuterIdOf(int file, int innerPid)
    {
        var identity = Recording.Libc.IdentityOf($"/proc/self/fd/{file}");
        if (HasOpen(innerPid, innerPid, identity))
        {
            return innerPid;
        }

        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && HasOpen(pid, innerPid, identity))
            {
                return pid;
            }
        }

        return innerPid;
    }

    private static bool HasOpen(int pid, int innerPid, (ulong, ulong)? identity)
    {
        try
        {
            return InnerIdOf(pid) == innerPid && DescriptorsOf(pid).Exists(number => Recording.Libc.IdentityOf($"/proc/{pid}/fd/{number}") == identity);
        }
        catch (ControlException)
        {
            return false; // it has ended, or is another user's
        }
    }

    private static bool ReadHeader(int file, out ControlPage page)
    {
        ControlPage read;
        bool isWhole = Libc.ReadAt(file, &read, sizeof(ControlPage), 0) == sizeof(ControlPage);
        page = read;
        return isWhole && ((TraceFileHeader*)&read)->Magic == TraceFileHeader.MagicNumber;
    }

    private static string RemedyOf(int errno) => errno is Libc.EACCES or Libc.EPERM ? "; run ftrace as the user of the process, or as root" : "";
}
