using System;
using System.Collections.Generic;
using System.IO;
using NUnit.Framework;

namespace Ftrace.Tests.Explorer;

/// <summary>What was explored, and which mutant was caught by what: one table, written to the file FTRACE_TABLE names.</summary>
[SetUpFixture]
public sealed class Table
{
    internal static List<string> Configurations { get; } = [];

    internal static List<string> Mutants { get; } = [];

    [OneTimeTearDown]
    public void Write()
    {
        if (Environment.GetEnvironmentVariable("FTRACE_TABLE") is not { Length: > 0 } file)
        {
            return;
        }

        var lines = new List<string>();
        if (Configurations.Count > 0)
        {
            lines.Add(string.Empty);
            lines.Add($"{"explored",-72} {"protocol",-12} {"states",11} {"transitions",13} {"schedules",11} {"time",9}");
            lines.AddRange(Configurations);
        }

        if (Mutants.Count > 0)
        {
            lines.Add(string.Empty);
            lines.Add($"{"mutant",-17} {"caught by",-33} with");
            lines.AddRange(Mutants);
        }

        File.WriteAllLines(file, lines);
    }
}
