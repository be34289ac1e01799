using System.Threading;
using Ftrace.Objects;

namespace Ftrace.JumpLabel;

/// <summary>The marks of the host, ftrace/tracing.h: on while a recording runs.</summary>
internal static unsafe class Marks
{
    /// <summary>What <see cref="Apply"/> will do.</summary>
    public static void Set(bool on) => Volatile.Write(ref MarkKey.Own->Key.Enabled, on ? 1 : 0);

    /// <summary>
    /// Changes the branches of all marks, new ones too. Called with the trace mutex and the loader's lock held. A branch that cannot be changed is
    /// reported; then none is.
    /// </summary>
    public static void Apply() => JumpPatcher.Apply(&MarkKey.Own->Key, MarkKey.Own->Key.Enabled != 0);
}
