using System.Collections.Generic;

namespace Ftrace.Tool.Recording;

/// <summary>Why functions of an object cannot be traced, or have no name.</summary>
/// <param name="Kind">For programs.</param>
/// <param name="Count">How many functions.</param>
/// <param name="Text">For people: what follows the count.</param>
/// <param name="Remedy">What helps.</param>
internal sealed record ListReason(string Kind, int Count, string Text, string Remedy)
{
    public const string Flag = "-fpatchable-function-entry=5";

    /// <summary>The reasons of an object. See docs/limits.md.</summary>
    public static List<ListReason> Of(ObjectFunctions functions)
    {
        var reasons = new List<ListReason>();
        if (functions.NotListed != 0)
        {
            reasons.Add(functions.Traceable == 0
                ? new ListReason("list-dropped", functions.NotListed, "have room for a call, but the linker dropped the compiler's list, as gold does with --gc-sections", "link with another linker, or without --gc-sections")
                : new ListReason("not-listed", functions.NotListed, "have room for a call, but are not in the compiler's list: GCC before 13 loses functions of C++ programs of several files (GCC's bug 93195), and with --gc-sections", "use GCC 13 or Clang, or -flto, or mold as the linker"));
        }

        if (functions.LacksMcount)
        {
            reasons.Add(new ListReason("no-mcount-list", 0, "were compiled with -pg -mfentry, but there is no list of the calls", $"add -mrecord-mcount, with --gc-sections also -Wl,-u,__start___mcount_loc, or use {Flag}"));
        }

        if (functions.TooFewNops != 0)
        {
            reasons.Add(new ListReason("too-few-nops", functions.TooFewNops, "begin with nops of fewer than five bytes", $"compile with {Flag}"));
        }

        if (functions.NoRoom != 0)
        {
            string text = functions.Traceable != 0 ? "have no room for a call: start-up code, assembly, or files that were compiled without the flag" : "have no room for a call";
            reasons.Add(new ListReason("no-room", functions.NoRoom, text, $"compile with {Flag}"));
        }

        if (functions.Unnamed != 0)
        {
            reasons.Add(new ListReason("no-name", functions.Unnamed, "that can be traced have no name: the file is stripped", "install its debug file, or do not strip it"));
        }

        return reasons;
    }
}
