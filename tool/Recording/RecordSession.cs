using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Ftrace.Tool.Output;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary><c>ftrace record</c>: runs a program, and writes what the library has recorded in it.</summary>
internal sealed class RecordSession(RecordOptions options)
{
    private const int StandardError = 2;
    private const int DuplicateCloexec = 1030; // F_DUPFD_CLOEXEC
    private const int LimitDescriptors = 7;    // RLIMIT_NOFILE
    private const int HighDescriptor = 1000;

    /// <summary>Runs a program.</summary>
    /// <param name="arguments">Its name, and its arguments.</param>
    /// <returns>Its exit status.</returns>
    /// <exception cref="RecordingException">It was not run.</exception>
    public int Run(IReadOnlyList<string> arguments)
    {
        ProgramFile program = ProgramFile.Find(arguments[0]);
        string library = LibraryFile.PreloadOf(LibraryFile.Find());
        using var output = new TraceOutput(options.Output);
        string? obstacle = program.FindObstacle();
        HashSet<string> older = ChildFiles(output.FullPath);

        using var memory = new TraceMemory();
        bool isInPlace = options.IsStream && output.IsFile;
        if (isInPlace)
        {
            output.Create(); // all events of a program that runs for long do not fit the memory
        }

        int source = isInPlace ? output.Descriptor : memory.Descriptor;
        int target = ChooseDescriptor(source);
        List<byte[]> raw = RecordEnvironment.LastArguments(arguments.Count);
        byte[] path = arguments[0].Contains('/') ? raw[0] : Encoding.UTF8.GetBytes(program.Path);
        using var child = new ChildProcess();
        int error = child.Start(path, raw, RecordEnvironment.Make(options, program.IsForeign ? null : library, target, output.FullPath), source, target);
        if (error != 0)
        {
            output.Abandon();
            throw NotStarted(arguments[0], error);
        }

        int status = child.Wait(out _);
        string next = string.Create(CultureInfo.InvariantCulture, $"{output.FullPath}.{child.Id}");
        bool isWritten = TryFinish(output, source, isInPlace, program, obstacle, older.Contains(next) ? null : next);
        ReportChildren(output.FullPath, older);
        return status == 0 && !isWritten ? RecordingException.Failure : status;
    }

    /// <summary>A number that no program expects to be free, as it may the lowest ones.</summary>
    private static unsafe int ChooseDescriptor(int descriptor)
    {
        ulong* limit = stackalloc ulong[2];
        int from = Libc.GetLimit(LimitDescriptors, limit) == 0 ? (int)(limit[0] > HighDescriptor ? HighDescriptor : limit[0] / 2) : HighDescriptor;
        int free = Libc.Control(descriptor, DuplicateCloexec, from);
        if (free < 0)
        {
            throw Libc.Failure("no descriptor is free for the program");
        }

        Libc.Close(free);
        return free;
    }

    private static RecordingException NotStarted(string name, int error)
    {
        string remedy = error == Libc.ENOEXEC ? "; a script begins with a line like #!/bin/sh" : "";
        return new RecordingException($"{name}: {Libc.TextOf(error)}{remedy}", error == Libc.ENOENT ? RecordingException.NotFound : RecordingException.NotExecutable);
    }

    /// <param name="output">The file.</param>
    /// <param name="source">What the program has recorded into.</param>
    /// <param name="isInPlace">That is the file already.</param>
    /// <param name="program">The program.</param>
    /// <param name="obstacle">Why it may not have been recorded.</param>
    /// <param name="next">Where a program has recorded that it executed in its place, if it did; null: not known.</param>
    /// <returns>False: the trace could not be written.</returns>
    private bool TryFinish(TraceOutput output, int source, bool isInPlace, ProgramFile program, string? obstacle, string? next)
    {
        try
        {
            var copy = new TraceCopy(source);
            bool hasBegun = copy.TryRead();
            if (!copy.HasEvents && next != null && TryTakeNext(output, program, next, out bool isWritten))
            {
                return isWritten;
            }

            if (!hasBegun)
            {
                output.Abandon();
                Print($"nothing was recorded: {EmptyTrace.ReasonOf(program, obstacle)}");
                return true;
            }

            return isInPlace ? FinishInPlace(output, copy, program) : Write(output, copy, program);
        }
        catch (IOException e)
        {
            Print(e.Message);
            return false;
        }
        catch (RecordingException e)
        {
            Print(e.Message);
            return false;
        }
    }

    /// <summary>With "env ./program" the trace is that of the program, although env has recorded first.</summary>
    private bool TryTakeNext(TraceOutput output, ProgramFile program, string next, out bool isWritten)
    {
        isWritten = false;
        int file = Libc.Open(next, Libc.O_RDWR | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
        if (file < 0)
        {
            return false;
        }

        try
        {
            var copy = new TraceCopy(file);
            if (!copy.TryRead() || !copy.HasEvents)
            {
                return false;
            }

            output.Abandon();
            isWritten = Write(output, copy, program);
            if (isWritten)
            {
                Libc.Unlink(next);
            }

            return true;
        }
        finally
        {
            Libc.Close(file);
        }
    }

    private bool FinishInPlace(TraceOutput output, TraceCopy copy, ProgramFile program)
    {
        copy.FinishInPlace();
        output.Commit();
        Summarize(output, copy, program);
        return true;
    }

    private bool Write(TraceOutput output, TraceCopy copy, ProgramFile program)
    {
        output.Create();
        int error = copy.Write(output);
        if (error == 0)
        {
            output.Commit();
            Summarize(output, copy, program);
            return true;
        }

        string kept = "";
        if (output.IsFile && copy.Written != 0)
        {
            output.CutAt(copy.Written);
            output.Commit();
            kept = $"; {FormatSize(copy.Written)} of {FormatSize(copy.Size)} were written, and can be read";
        }
        else
        {
            output.Abandon();
        }

        Print($"{output.Path}: {Libc.TextOf(error)}{kept}");
        return false;
    }

    private void Summarize(TraceOutput output, TraceCopy copy, ProgramFile program)
    {
        if (!output.IsFile)
        {
            Tell($"{output.Path}: {FormatSize(copy.Written)}, {Count(copy.Events, "event")}");
            return;
        }

        using TraceFile file = TraceFile.Open(output.FullPath);
        int threads = 0;
        bool isCut = false;
        foreach (TraceThread thread in file.Threads)
        {
            threads += thread.Blocks.Count != 0 ? 1 : 0;
            isCut |= thread.IsBeginningCut;
        }

        string lost = file.Lost == 0 ? "" : $"; {Count((long)file.Lost, "event")} lost";
        string cut = isCut && !options.IsStream ? "; older ones were overwritten (-b SIZE keeps more, --stream all)" : "";
        if (copy.Events != 0)
        {
            Tell($"{output.Path}: {FormatSize(copy.Written)}, {Count(copy.Events, "event")} of {Count(threads, "thread")}{cut}{lost}");
        }
        else
        {
            Print($"{output.Path}: nothing was recorded: {EmptyTrace.ReasonOf(program, options, file)}");
        }
    }

    private void ReportChildren(string path, HashSet<string> older)
    {
        var files = new List<string>();
        foreach (string file in ChildFiles(path))
        {
            if (!older.Contains(file))
            {
                files.Add(file);
            }
        }

        if (files.Count != 0)
        {
            files.Sort(StringComparer.Ordinal);
            string more = files.Count > 1 ? $" and {files.Count - 1} more" : "";
            Tell($"{Count(files.Count, "file")} of programs that it started: {System.IO.Path.GetFileName(files[0])}{more}");
        }
    }

    /// <summary>Files of programs that the program has started: FILE.PID, and FILE.PID.1 if that one executed another in its place.</summary>
    private static HashSet<string> ChildFiles(string path)
    {
        var files = new HashSet<string>();
        try
        {
            string name = System.IO.Path.GetFileName(path) + ".";
            foreach (string file in Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(path)!))
            {
                ReadOnlySpan<char> last = System.IO.Path.GetFileName(file.AsSpan());
                if (last.StartsWith(name) && IsId(last[name.Length..]))
                {
                    files.Add(file);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // They are reported only.
        }

        return files;
    }

    private static bool IsId(ReadOnlySpan<char> text)
    {
        int dot = text.IndexOf('.');
        return int.TryParse(dot < 0 ? text : text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && (dot < 0 || int.TryParse(text[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }

    private static string Count(long number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    private static string FormatSize(long bytes) => bytes switch
    {
        < 1 << 10 => Count(bytes, "byte"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:0.##} GB"),
    };

    /// <summary>What is not an error.</summary>
    private void Tell(string line)
    {
        if (!options.IsQuiet)
        {
            Print(line);
        }
    }

    /// <summary>Not with Console, which would prepare the terminal for itself.</summary>
    private static void Print(string line)
    {
        try
        {
            new DescriptorStream(StandardError).Write(Encoding.UTF8.GetBytes($"ftrace: {line}\n"));
        }
        catch (IOException)
        {
            // Nobody reads it.
        }
    }
}
