using System;
using System.Collections.Generic;
using System.IO;
using Ftrace.Tool.Recording;

namespace Ftrace.Tool.Attach;

/// <summary>The library in a process that is not being recorded.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Path">The library's file, as the process sees it.</param>
/// <param name="IsHeld">A tool is attached.</param>
internal sealed record IdleLibrary(int Pid, string Path, bool IsHeld)
{
    private const string Name = "libftrace.so";
    private const string AgentThread = "ftrace-agent";

    /// <summary>Looks for the library.</summary>
    /// <param name="target">The id of a process.</param>
    /// <returns>Null: there is no such process, or the library is not in it.</returns>
    public static IdleLibrary? Find(string target)
    {
        try
        {
            if (ProcessId.Parse(target) is not int pid)
            {
                return null;
            }

            var maps = new TargetMaps(File.ReadAllText($"/proc/{pid}/maps"));
            List<Mapping> library = maps.OfObject(mapping => mapping.FileName.StartsWith(Name, StringComparison.Ordinal));
            return library.Count == 0 ? null : new IdleLibrary(pid, library[0].Name, HasAgent(pid));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool HasAgent(int pid)
    {
        foreach (string task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
        {
            if (File.ReadAllText($"{task}/comm").TrimEnd() == AgentThread)
            {
                return true;
            }
        }

        return false;
    }
}
