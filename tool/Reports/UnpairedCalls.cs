using System.Collections.Generic;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Reports;

/// <summary>
/// Calls that have no entry or no exit in their thread. If an exit was after the entry of a call of the same number and function, the two
/// can be one call, that began in one thread and ended in another.
/// </summary>
internal sealed class UnpairedCalls
{
    private const int Max = 100_000;

    private readonly Dictionary<(ushort Number, ulong Address), ulong> _firstBeginnings = [];
    private readonly Dictionary<(ushort Number, ulong Address), ulong> _lastEnds = [];

    public bool AreTooMany => _firstBeginnings.Count > Max || _lastEnds.Count > Max;

    public void AddBeginning(in FinishedCall call)
    {
        if (!AreTooMany && (!_firstBeginnings.TryGetValue((call.Number, call.Address), out ulong first) || call.Start < first))
        {
            _firstBeginnings[(call.Number, call.Address)] = call.Start;
        }
    }

    public void AddEnd(in FinishedCall call)
    {
        if (!AreTooMany && (!_lastEnds.TryGetValue((call.Number, call.Address), out ulong last) || call.End > last))
        {
            _lastEnds[(call.Number, call.Address)] = call.End;
        }
    }

    public bool CanBePaired()
    {
        foreach (((ushort Number, ulong Address) key, ulong end) in _lastEnds)
        {
            if (_firstBeginnings.TryGetValue(key, out ulong beginning) && beginning <= end)
            {
                return true;
            }
        }

        return false;
    }
}
