using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace Ftrace.Tool.Recording;

/// <summary><c>ftrace record</c>: runs a program, and writes what the library has recorded in it.</summary>
internal sealed class RecordSession(RecordOptions options)
{
    private const int DuplicateCloexec = 1030; // F_DUPFD_CLOEXEC
    private const int LimitDescriptors = 7;    // RLIMIT_NOFILE
    private const int HighDescriptor = 1000;

    private readonly TraceFinish _finish = new(options);

    /// <summary>Runs a program.</summary>
    /// <param name="arguments">Its name, and its arguments.</param>
    /// <returns>Its exit status.</returns>
    /// <exception cref="RecordingException">It was not run.</exception>
    public int Run(IReadOnlyList<string> arguments)
    {
        ProgramFile program = ProgramFile.Find(arguments[0]);
        string library = LibraryFile.PreloadOf(LibraryFile.FindForPreload());
        using var output = new TraceOutput(options.Output);
        string? obstacle = program.FindObstacle();
        var children = new ChildTraces(output.FullPath);
        if (options.Filters.Count != 0 && obstacle == null)
        {
            WarnOfFilters(program);
        }

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
        bool isWritten = TryFinish(output, source, isInPlace, program, obstacle, children, next);
        ReportChildren(output, children);
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
    /// <param name="children">The files of programs that it has started.</param>
    /// <param name="next">Where a program has recorded that it executed in its place, if it did.</param>
    /// <returns>False: the trace could not be written.</returns>
    private bool TryFinish(TraceOutput output, int source, bool isInPlace, ProgramFile program, string? obstacle, ChildTraces children, string next)
    {
        try
        {
            var copy = new TraceCopy(source);
            bool hasBegun = copy.TryRead();
            if (!copy.HasEvents && !children.IsOlder(next) && TryTakeNext(output, program, next, out bool isWritten))
            {
                return isWritten;
            }

            if (!hasBegun)
            {
                output.Abandon();
                TraceFinish.Print($"nothing was recorded: {EmptyTrace.ReasonOf(program, obstacle)}");
                return true;
            }

            bool isEmpty = !copy.HasEvents && copy.LostWithoutBuffer == 0;
            if (isEmpty && output.IsFile && children.Find(out _).Count != 0)
            {
                // A shell script, make(1): the trace that was asked for is that of what it has started.
                output.LeaveOut();
                _finish.Tell($"nothing was recorded in {program.Executed} itself, so there is no {output.Path}");
                return true;
            }

            return isInPlace ? _finish.FinishInPlace(output, copy, program) : _finish.Write(output, copy, program);
        }
        catch (IOException e)
        {
            TraceFinish.Print(e.Message);
            return false;
        }
        catch (RecordingException e)
        {
            TraceFinish.Print(e.Message);
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
            isWritten = _finish.Write(output, copy, program);
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

    private void ReportChildren(TraceOutput output, ChildTraces children)
    {
        List<string> files = children.Find(out int empty);
        if (files.Count != 0)
        {
            string more = files.Count > 1 ? $" and {files.Count - 1} more" : "";
            string others = empty != 0 ? $"; {empty} without events" : "";
            string first = output.Path + files[0][output.FullPath.Length..];
            _finish.Tell($"{TraceFinish.Count(files.Count, "file")} of programs that it started: {first}{more}{others}; see one with: ftrace report {first}");
        }
        else if (empty != 0)
        {
            _finish.Tell($"{TraceFinish.Count(empty, "file")} of programs that it started, without events: {output.Path}.*");
        }
    }

    /// <summary>The program runs all the same: it may load a plug-in that has the functions.</summary>
    private void WarnOfFilters(ProgramFile program)
    {
        IReadOnlyList<string> unmatched = FilterCheck.FindUnmatched(program.Executed, options.Filters);
        if (unmatched.Count != 0)
        {
            TraceFinish.Print($"-f {string.Join(", ", unmatched)}: no function of {program.Executed} or its libraries matches; see: ftrace list {program.Executed}");
        }
    }
}
