using System;
using System.IO;
using Ftrace.Tool.Output;

namespace Ftrace.Tool.Commands;

/// <summary>The file that a command writes. It is whole, or not there.</summary>
internal static class DumpOutput
{
    /// <param name="path">Null or <c>-</c>: standard output.</param>
    /// <param name="input">The file that is read meanwhile.</param>
    /// <param name="isForced">True: a file that exists is replaced.</param>
    /// <param name="write">Writes it.</param>
    public static void Write(string? path, string input, bool isForced, Action<Stream> write)
    {
        if (path is null or "-")
        {
            write(new DescriptorStream(DescriptorStream.StandardOutput));
            return;
        }

        if (path.StartsWith("/dev/", StringComparison.Ordinal))
        {
            using var device = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            write(device);
            return;
        }

        if (Directory.Exists(path))
        {
            throw new CommandFailure($"{path}: is a directory; give the name of a file");
        }

        if (File.Exists(path) && (!isForced || IsSame(path, input)))
        {
            throw new CommandFailure(isForced ? $"{path}: is the file to read; give another name" : $"{path}: exists; give another name, or --force");
        }

        // What exists is replaced only by what is whole.
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        FileStream stream = Create(path, temporary);
        try
        {
            using (stream)
            {
                write(stream);
            }

            File.Move(temporary, path, isForced);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <param name="path">A directory.</param>
    /// <param name="isForced">True: one that exists is replaced, if it is uftrace's.</param>
    /// <param name="write">Writes its files; it gets the path of an empty one.</param>
    public static void WriteDirectory(string path, bool isForced, Action<string> write)
    {
        bool exists = Path.Exists(path);
        if (exists && !isForced)
        {
            throw new CommandFailure($"{path}: exists; give another name, or --force");
        }

        if (exists && !IsUftraceData(path))
        {
            throw new CommandFailure($"{path}: is not a data directory of uftrace; give another name");
        }

        string temporary = $"{Path.TrimEndingDirectorySeparator(path)}.{Environment.ProcessId}.tmp";
        CreateDirectory(path, temporary);
        try
        {
            write(temporary);
            if (exists)
            {
                Directory.Delete(path, recursive: true);
            }

            Directory.Move(temporary, path);
        }
        catch
        {
            Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    private static FileStream Create(string path, string temporary)
    {
        try
        {
            return new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(path, e);
        }
    }

    private static void CreateDirectory(string path, string temporary)
    {
        try
        {
            Directory.CreateDirectory(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(path, e);
        }
    }

    /// <summary>The message of the exception has the temporary name.</summary>
    private static CommandFailure CannotWrite(string path, Exception e) => new(e switch
    {
        DirectoryNotFoundException => $"{path}: cannot be written: there is no such directory",
        UnauthorizedAccessException => $"{path}: cannot be written: permission denied",
        _ => $"{path}: cannot be written: {e.Message}",
    });

    private static bool IsUftraceData(string path)
    {
        string info = Path.Combine(path, "info");
        if (!File.Exists(info))
        {
            return false;
        }

        using FileStream stream = File.OpenRead(info);
        Span<byte> magic = stackalloc byte[8];
        return stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("Ftrace!\0"u8);
    }

    private static bool IsSame(string a, string b) => RealPath(a) == RealPath(b);

    private static string RealPath(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
}
