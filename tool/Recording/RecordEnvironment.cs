using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace Ftrace.Tool.Recording;

/// <summary>The variables by which the library in the program is told what to do.</summary>
internal static class RecordEnvironment
{
    private const string Prefix = "FTRACE_RECORD";

    /// <summary>This process's environment, byte by byte, with the variables added.</summary>
    /// <param name="options">What to record.</param>
    /// <param name="library">As the loader takes it; null: it is not loaded.</param>
    /// <param name="descriptor">What to record into.</param>
    /// <param name="childPath">How the files of programs that the program starts begin.</param>
    public static List<byte[]> Make(RecordOptions options, string? library, int descriptor, string childPath)
    {
        var variables = new List<byte[]>();
        ReadOnlySpan<byte> preload = default;
        foreach (byte[] variable in OwnVariables())
        {
            ReadOnlySpan<byte> text = variable;
            if (text.StartsWith("LD_PRELOAD="u8))
            {
                preload = text["LD_PRELOAD=".Length..];
            }
            else if (!text.StartsWith("FTRACE_RECORD="u8) && !text.StartsWith("FTRACE_RECORD_"u8))
            {
                variables.Add(variable);
            }
        }

        string separator = library == null || preload.IsEmpty ? "" : ":";
        byte[] first = Encoding.UTF8.GetBytes($"LD_PRELOAD={library}{separator}");
        variables.Add([.. first, .. preload]);
        Add(variables, "", $"fd:{descriptor}");
        Add(variables, "_CHILD_PATH", childPath);
        Add(variables, "_CHILDREN", options.HasChildren ? "1" : "0");
        Add(variables, "_FILTER", string.Join(';', options.Filters));
        Add(variables, "_NOTRACE", string.Join(';', options.Notrace));
        Add(variables, "_TRIGGER", string.Join(';', options.Triggers));
        Add(variables, "_PLUGIN", options.Plugin ?? "");
        Add(variables, "_MODE", options.IsStream ? "stream" : "");
        Add(variables, "_BUFFER", options.Buffer);
        Add(variables, "_MAX_SIZE", options.MaxSize);
        Add(variables, "_DEPTH", options.Depth);
        Add(variables, "_MIN_TIME", options.MinTime);
        Add(variables, "_HZ", options.Hz);
        Add(variables, "_SNAPSHOT_SIGNAL", options.SnapshotSignal);
        Add(variables, "_OFF", options.IsOff ? 1 : 0);
        return variables;
    }

    /// <summary>The last arguments of this process, as they were given: they need not be UTF-8.</summary>
    public static List<byte[]> LastArguments(int count)
    {
        List<byte[]> all = Split(File.ReadAllBytes("/proc/self/cmdline"));
        return all[(all.Count - count)..];
    }

    private static List<byte[]> OwnVariables() => Split(File.ReadAllBytes("/proc/self/environ"));

    private static List<byte[]> Split(ReadOnlySpan<byte> bytes)
    {
        var texts = new List<byte[]>();
        while (!bytes.IsEmpty)
        {
            int end = bytes.IndexOf((byte)0);
            end = end < 0 ? bytes.Length : end;
            texts.Add(bytes[..end].ToArray());
            bytes = bytes[Math.Min(end + 1, bytes.Length)..];
        }

        return texts;
    }

    private static void Add(List<byte[]> variables, string name, long value) =>
        Add(variables, name, value == 0 ? "" : value.ToString(CultureInfo.InvariantCulture));

    private static void Add(List<byte[]> variables, string name, string value)
    {
        if (value.Length != 0)
        {
            variables.Add(Encoding.UTF8.GetBytes($"{Prefix}{name}={value}"));
        }
    }
}
