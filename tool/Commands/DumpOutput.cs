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
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0))
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

    private static bool IsSame(string a, string b) => RealPath(a) == RealPath(b);

    private static string RealPath(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
}
