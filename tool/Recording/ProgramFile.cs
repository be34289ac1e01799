using System;
using System.Globalization;
using System.IO;
using System.Text;

namespace Ftrace.Tool.Recording;

/// <summary>The program to record: where it is, and whether the loader will load a library into it.</summary>
internal sealed class ProgramFile
{
    private const int TypeMask = 0xf000;
    private const int Directory = 0x4000;
    private const int HeaderSize = 64;
    private const uint Interpreter = 3; // PT_INTERP
    private const string DefaultPath = "/bin:/usr/bin"; // as execvp(3)

    private readonly int _process;

    private ProgramFile(string path, int process = 0)
    {
        Path = path;
        _process = process;
    }

    /// <summary>What is executed.</summary>
    public string Path { get; }

    /// <summary>The program that the kernel executes: that of a script is in its first line.</summary>
    public string Executed => _process == 0 ? FollowScripts(Path) : ExecutedBy(_process);

    /// <summary>Its name for people.</summary>
    public string Name => _process == 0 ? Executed : Path;

    /// <summary>What <c>ftrace list</c> takes to list its functions.</summary>
    public string ListName => _process == 0 ? Executed : _process.ToString(CultureInfo.InvariantCulture);

    /// <summary>The program of a process, which may have another root directory: there its path is another file's.</summary>
    /// <returns>Null: it cannot be seen.</returns>
    public static ProgramFile? OfProcess(int pid)
    {
        try
        {
            return new FileInfo(ExecutedBy(pid)).LinkTarget is string path ? new ProgramFile(path, pid) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string ExecutedBy(int pid) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe");

    /// <summary>Finds a program as a shell does.</summary>
    /// <exception cref="RecordingException">There is none, or it cannot be executed.</exception>
    public static ProgramFile Find(string name)
    {
        if (name.Contains('/'))
        {
            return Check(name, name);
        }

        string? other = null;
        string path = Environment.GetEnvironmentVariable("PATH") ?? DefaultPath;
        foreach (string folder in name.Length == 0 ? [] : path.Split(':'))
        {
            string candidate = folder.Length == 0 ? "./" + name : $"{folder}/{name}";
            int mode = Libc.ModeOf(candidate, follow: true);
            if (mode >= 0 && (mode & TypeMask) != Directory)
            {
                if (Libc.CanExecute(candidate))
                {
                    return new ProgramFile(candidate);
                }

                other ??= candidate;
            }
        }

        if (other != null)
        {
            return Check(name, other);
        }

        string remedy = File.Exists(name) ? $"; did you mean ./{name}?" : "";
        throw new RecordingException($"{name}: command not found{remedy}", RecordingException.NotFound);
    }

    private static ProgramFile Check(string name, string path)
    {
        int mode = Libc.ModeOf(path, follow: true);
        if (mode < 0)
        {
            int error = Libc.Errno;
            throw new RecordingException($"{name}: {Libc.TextOf(error)}", error == Libc.EACCES ? RecordingException.NotExecutable : RecordingException.NotFound);
        }

        if ((mode & TypeMask) == Directory)
        {
            throw new RecordingException($"{name}: is a directory", RecordingException.NotExecutable);
        }

        if (!Libc.CanExecute(path))
        {
            throw new RecordingException($"{name}: {Libc.TextOf(Libc.Errno)}; make it executable: chmod +x {path}", RecordingException.NotExecutable);
        }

        return new ProgramFile(path);
    }

    /// <summary>The program is for another machine, known once <see cref="FindObstacle"/> was called: its loader complains of a library for this one.</summary>
    public bool IsForeign { get; private set; }

    /// <summary>Why the loader does not load the library into the program, with a remedy; null: nothing is known that would prevent it.</summary>
    public string? FindObstacle()
    {
        try
        {
            string path = Executed;
            return FindPrivileges(path) ?? FindElfObstacle(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it can be executed, and not be read
        }
    }

    private static string FollowScripts(string path)
    {
        const int MostScripts = 4; // as the kernel
        const int LongestLine = 256;

        Span<byte> line = stackalloc byte[LongestLine];
        for (int i = 0; i < MostScripts; i++)
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = line[..file.ReadAtLeast(line, LongestLine, throwOnEndOfStream: false)];
            if (!start.StartsWith("#!"u8))
            {
                break;
            }

            start = start[2..].TrimStart(" \t"u8);
            int end = start.IndexOfAny(" \t\n"u8);
            path = Encoding.UTF8.GetString(end < 0 ? start : start[..end]);
        }

        return path;
    }

    private static unsafe string? FindPrivileges(string path)
    {
        return Libc.ChangesIds(path) || Libc.GetAttribute(path, "security.capability", null, 0) > 0
            ? $"{path} has privileges (set-user-id, set-group-id, or file capabilities), and the loader loads no library into such a program; record a copy: cp {path} ."
            : null;
    }

    private string? FindElfObstacle(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.StartsWith("\u007fELF"u8))
        {
            return null;
        }

        ushort machine = BitConverter.ToUInt16(header[18..]);
        if (header[4] != 2 || machine != 62)
        {
            IsForeign = true;
            return machine is 3 or 62
                ? $"{path} is a 32-bit program, and the library is for 64-bit ones; compile it without -m32"
                : $"{path} is for another processor; the library is for x86-64";
        }

        return HasInterpreter(file, header) ? null : $"{path} is statically linked, so no library can be loaded into it; link it without -static";
    }

    private static bool HasInterpreter(FileStream file, ReadOnlySpan<byte> header)
    {
        ulong offset = BitConverter.ToUInt64(header[32..]);
        int size = BitConverter.ToUInt16(header[54..]);
        int count = BitConverter.ToUInt16(header[56..]);
        Span<byte> type = stackalloc byte[4];
        for (int i = 0; i < count; i++)
        {
            if (RandomAccess.Read(file.SafeFileHandle, type, (long)offset + ((long)i * size)) == type.Length && BitConverter.ToUInt32(type) == Interpreter)
            {
                return true;
            }
        }

        return count == 0;
    }
}
