using System;
using System.Globalization;

namespace Ftrace.Tool.Recording;

/// <summary>The id of a process, where a file can be named too: digits alone are always an id, whatever files there are. The file is <c>./1234</c>.</summary>
internal static class ProcessId
{
    /// <summary>Null: it is the name of a file.</summary>
    public static int? Parse(string text)
    {
        if (text.Length == 0 || text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return null;
        }

        // A larger one is that of no process.
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : int.MaxValue;
    }
}
