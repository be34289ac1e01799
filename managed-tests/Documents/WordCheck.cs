using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace Ftrace.Tests.Documents;

/// <summary>Finds words that are wrong in every text of the project. Words that are right in some texts are for a reader to find.</summary>
internal static class WordCheck
{
    /// <summary>What follows in the glossary lists such words.</summary>
    private const string ListHeading = "## Words that are not used";

    private static readonly Regex s_margin = new("^[\\s/*#>\"]+|[\\s\"]+$");

    public static readonly WordRule[] Rules =
    [
        new(@"\bcarr(y|ies|ied|ying) (\w+ )?out\b", "emulate (in the trap handler), or execute", "the breakpoint is carried out"),
        new(@"\bfor want of\b", "with -ENOMEM, or: because there is no", "fails for want of memory"),
        new(@"\bin front of\b", "before", "the nop in front of the entry"),
        new(@"\bbehind\b", "after", "goes on behind it"),
        new(@"\blets? (a|an|the|one|such a) (\w+ )*(end|fail) with\b", "makes it fail with", "lets a stop end with -ETIMEDOUT"),
        new(@"\bends? with `?-E[A-Z]", "fails with", "the call ends with `-EBUSY`"),
        new(@"\bby (its|their) looks\b", "heuristically", "found by their looks"),
        new(@"\b(is|are|was|be) told (by|from|apart)\b", "is recognized by, or: is distinguished from", "an NMI is told by its bit"),
        new(@"\bmay go\b", "can be freed", "it, and @ops, may go"),
        new(@"\bbe had\b", "is available", "a signal that cannot be had"),
        new(@"\bfor good\b", "permanently", "the breakpoints stay for good"),
        new(@"\bby and by\b", "eventually", "closes it by and by"),
        new(@"\bgo(es)? on on\b", "continue on", "goes on on another stack"),
        new(@"\bwho(m)?ever\b", "a thread that, or: the code that", "whoever comes by traps"),
        new(@"\bstands? there\b", "is at that address", "other bytes stand there"),
        new(@"\bputs? back\b", "undo", "could not be put back"),
        new(@"\bputting back\b", "undo", "putting back after a failure"),
        new(@"\bmend(s|ed|ing)?\b", "fix", "programs that are mended"),
        new(@"\bhad better not\b", "must not", "threads that had better not"),
        new(@"\bof (the|this|an?) (library|host|program|object|handler)'s(?=[.,;:)])", "of the library, or: the library's ...", "takes no signal of the library's;"),
    ];

    private static readonly Regex[] s_patterns = [.. Rules.Select(r => new Regex(r.Pattern, RegexOptions.IgnoreCase))];

    /// <returns>A message for each word, with its file and line.</returns>
    public static IEnumerable<string> Check(string name, string text)
    {
        string flow = Flow(text, out List<int> starts);
        return
            from i in Enumerable.Range(0, Rules.Length)
            from match in s_patterns[i].Matches(flow)
            let line = LineOf(starts, match.Index)
            orderby line, match.Index
            select $"{name}:{line}: \"{match.Value}\"; write: {Rules[i].Instead}";
    }

    /// <summary>
    /// The text as one line, without the margins of comments and the quotes between strings, because an expression may be broken across
    /// lines; and where in it each line begins.
    /// </summary>
    private static string Flow(string text, out List<int> starts)
    {
        starts = [];
        var flow = new StringBuilder();
        foreach (string line in text.Split('\n').TakeWhile(l => l != ListHeading))
        {
            starts.Add(flow.Length);
            flow.Append(s_margin.Replace(line, "")).Append(' ');
        }

        return flow.ToString();
    }

    private static int LineOf(List<int> starts, int index)
    {
        int found = starts.BinarySearch(index);
        return found >= 0 ? found + 1 : ~found;
    }
}
