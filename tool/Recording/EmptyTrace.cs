using System;
using System.IO;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary>Why nothing was recorded, with a remedy.</summary>
internal static class EmptyTrace
{
    private const string SamplePlugin = "sample";

    /// <summary>The library has not begun to record.</summary>
    public static string ReasonOf(ProgramFile program, string? obstacle) =>
        obstacle ?? $"the library was not started in {program.Path}, or has said above why it could not record";

    /// <summary>The library has begun, and no event came.</summary>
    public static string ReasonOf(ProgramFile? program, RecordOptions options, TraceFile file)
    {
        if (options.Plugin == SamplePlugin)
        {
            return "no sample was taken: the threads have used too little CPU time, and are sampled by that; record longer, or while the program works, or take more samples (--hz)";
        }

        int functions = 0;
        foreach (TraceObject target in file.Objects)
        {
            functions += target.Symbols.Count;
        }

        bool isFiltered = options.Filters.Count + options.Notrace.Count != 0;
        if (functions != 0 && !isFiltered)
        {
            return $"none of the functions that can be traced was called; there are {functions}";
        }

        ObjectFunctions? found = program != null ? Read(program) : null;
        if (functions == 0 && found is { Traceable: 0 })
        {
            ListReason reason = ListReason.Of(found) is [var first, ..] ? first : new ListReason("", 0, "have no room for a call", $"compile with {ListReason.Flag}");
            return $"no function of {program!.Name} can be traced: they {reason.Text}; {reason.Remedy}";
        }

        string counted = found == null ? "" : $"; {program!.Name} has {found.Traceable} that can be traced, see: ftrace list {program.ListName}";
        if (functions == 0)
        {
            return $"no function matched{counted}";
        }

        return $"no function that matched was called{counted}";
    }

    private static ObjectFunctions? Read(ProgramFile program)
    {
        try
        {
            using MappedObject mapped = MappedObject.Open(program.Executed);
            return new ObjectFunctions(mapped);
        }
        catch (Exception e) when (e is RecordingException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
