using System.Collections.Generic;
using System.Globalization;

namespace Ftrace.Tool.Recording;

/// <summary>How the library is told what to record: the settings of docs/tracing.md, by name.</summary>
internal static class RecordSettings
{
    /// <summary>The settings that are not as the library has them by itself.</summary>
    /// <param name="options">What to record.</param>
    /// <param name="childPath">How the names of the files of forked children, and of snapshots, begin.</param>
    public static IEnumerable<(string Name, string Value)> Of(RecordOptions options, string childPath)
    {
        (string, string)[] all =
        [
            ("child_path", childPath),
            ("children", options.HasChildren ? "1" : "0"),
            ("filter", string.Join(';', options.Filters)),
            ("notrace", string.Join(';', options.Notrace)),
            ("trigger", string.Join(';', options.Triggers)),
            ("plugin", options.Plugin ?? ""),
            ("mode", options.IsStream ? "stream" : ""),
            ("buffer", Text(options.Buffer)),
            ("max_size", Text(options.MaxSize)),
            ("depth", Text(options.Depth)),
            ("min_time", Text(options.MinTime)),
            ("hz", Text(options.Hz)),
            ("snapshot_signal", Text(options.SnapshotSignal)),
            ("off", options.IsOff ? "1" : ""),
        ];
        foreach ((string name, string value) in all)
        {
            if (value.Length != 0)
            {
                yield return (name, value);
            }
        }
    }

    private static string Text(long value) => value == 0 ? "" : value.ToString(CultureInfo.InvariantCulture);
}
