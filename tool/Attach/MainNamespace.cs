using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>
/// The objects that a program was started with, and has opened with dlopen(3). dlmopen(3) makes other namespaces, which have a libc of their own: one that
/// knows nothing of the program's threads, and opens libraries where the program does not see them.
/// </summary>
internal static class MainNamespace
{
    private const ulong MapOffset = 8; // r_map of struct r_debug: the first object
    private const int DynamicIndex = 2; // l_ld of struct link_map: its dynamic section
    private const int NextIndex = 3; // l_next
    private const int MostObjects = 4096;

    /// <summary>Chooses the object that is in it.</summary>
    /// <param name="memory">Of the process.</param>
    /// <param name="loader">Where its loader is mapped, which has a list of that namespace alone: <c>_r_debug</c>.</param>
    /// <param name="objects">Those of one name.</param>
    /// <returns>Its mappings; of the first one if the loader does not tell; none if there are none.</returns>
    public static List<Mapping> Choose(ITargetMemory memory, ulong loader, List<List<Mapping>> objects)
    {
        if (objects.Count < 2)
        {
            return objects is [List<Mapping> only] ? only : [];
        }

        ulong list = new TargetObject(memory, loader).FindVariable("_r_debug");
        ulong at = list != 0 && memory.TryRead(list + MapOffset, out ulong first) ? first : 0;
        for (int i = 0; i < MostObjects && memory.TryRead(at, out LinkMap map); i++, at = map[NextIndex])
        {
            if (objects.Find(parts => parts.Exists(part => part.Contains(map[DynamicIndex]))) is List<Mapping> found)
            {
                return found;
            }
        }

        return objects[0];
    }

    [System.Runtime.CompilerServices.InlineArray(NextIndex + 1)]
    private struct LinkMap
    {
        private ulong _first;
    }
}
