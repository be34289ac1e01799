using System;
using System.Collections.Generic;

namespace Ftrace.Tool.Attach;

/// <summary>What is mapped in a process, by ascending address.</summary>
internal sealed class TargetMaps
{
    private readonly List<Mapping> _mappings = [];

    /// <param name="text">Of <c>/proc/PID/maps</c>.</param>
    public TargetMaps(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            if (Mapping.TryParse(line, out Mapping mapping))
            {
                _mappings.Add(mapping);
            }
        }
    }

    public IReadOnlyList<Mapping> All => _mappings;

    /// <summary>The mapping at an address; null: there is none.</summary>
    public Mapping? At(ulong address)
    {
        int index = IndexAt(address);
        return index < 0 ? null : _mappings[index];
    }

    /// <summary>The end of the mapping below the one at an address; 0: there is none.</summary>
    public ulong EndBelow(ulong address)
    {
        int index = IndexAt(address);
        return index < 1 ? 0 : _mappings[index - 1].End;
    }

    /// <summary>True if the address is in executable memory of that file.</summary>
    public bool IsCodeOf(string file, ulong address) => At(address) is Mapping mapping && mapping.IsExecutable && mapping.Name == file;

    /// <summary>
    /// The mappings of the first object with code whose name the condition holds for, by ascending address; none: there is no such object. The same
    /// file may also be mapped as data: debuggers and profilers do that.
    /// </summary>
    public List<Mapping> OfObject(Func<Mapping, bool> condition) => OfObjects(condition) is [List<Mapping> first, ..] ? first : [];

    /// <summary>The same of all such objects: dlmopen(3) opens a file more than once.</summary>
    public List<List<Mapping>> OfObjects(Func<Mapping, bool> condition)
    {
        var found = new List<List<Mapping>>();
        foreach (Mapping mapping in _mappings)
        {
            if (!condition(mapping))
            {
                continue;
            }

            bool begins = mapping.Offset == 0 || found.Count == 0 || found[^1][0].Name != mapping.Name;
            if (begins)
            {
                found.Add([]);
            }

            found[^1].Add(mapping);
        }

        return found.FindAll(parts => parts.Exists(part => part.IsExecutable));
    }

    private int IndexAt(ulong address)
    {
        int low = 0;
        int high = _mappings.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (address >= _mappings[middle].End)
            {
                low = middle + 1;
            }
            else if (address < _mappings[middle].Start)
            {
                high = middle - 1;
            }
            else
            {
                return middle;
            }
        }

        return -1;
    }
}
