using System;
using System.Collections.Generic;
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
        foreach ((string name, string value) in RecordSettings.Of(options, childPath))
        {
            Add(variables, "_" + name.ToUpperInvariant(), value);
        }

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

    private static void Add(List<byte[]> variables, string name, string value)
    {
        if (value.Length != 0)
        {
            variables.Add(Encoding.UTF8.GetBytes($"{Prefix}{name}={value}"));
        }
    }
}
