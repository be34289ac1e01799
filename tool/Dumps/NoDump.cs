using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Dumps;

/// <summary>Writes nothing: of the calls before the range of times that was chosen, only those count that are under way when it begins.</summary>
internal sealed class NoDump(TraceFile file) : Dump(file)
{
    public override void End(ulong time)
    {
    }
}
