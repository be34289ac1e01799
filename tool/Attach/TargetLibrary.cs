using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>The library in a process.</summary>
internal static class TargetLibrary
{
    private const string Name = "libftrace.so";
    private const string AgentStart = "ftrace_agent_start";

    /// <summary>Finds the function that starts the agent.</summary>
    /// <param name="process">The process.</param>
    /// <param name="maps">Its maps.</param>
    /// <param name="isLoaded">True if it has the library.</param>
    /// <returns>Its address; 0: the process has not the library, or a version that has no agent.</returns>
    public static ulong FindAgent(TargetProcess process, TargetMaps maps, out bool isLoaded)
    {
        List<Mapping> library = maps.OfObject(mapping => mapping.FileName.StartsWith(Name, StringComparison.Ordinal));
        isLoaded = library.Count != 0;
        return isLoaded ? new TargetObject(process.Memory, library[0].Start).Find(AgentStart) : 0;
    }
}
