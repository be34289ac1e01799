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

    /// <summary>The same, of a library that was just opened, and faster: a thread is standing still.</summary>
    /// <param name="process">The process.</param>
    /// <param name="handle">What its dlopen(3) has returned: a <c>struct link_map</c>, whose first word is where the object is.</param>
    public static ulong FindAgent(TargetProcess process, ulong handle)
    {
        ulong agent = process.Memory.TryRead(handle, out ulong start) ? new TargetObject(process.Memory, start).Find(AgentStart) : 0;
        return agent != 0 ? agent : FindAgent(process, process.ReadMaps(), out _);
    }
}
