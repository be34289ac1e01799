namespace Ftrace.Tests.Explorer;

/// <summary>One thing that may happen next: a letter, a CPU, and for a step which of its possible results.</summary>
internal readonly record struct Transition(char Kind, byte Cpu, byte Result = 0)
{
    /// <summary>The topmost context of the CPU takes its step.</summary>
    public const char Step = 's';

    /// <summary>The oldest store of the CPU's buffer reaches memory.</summary>
    public const char Flush = 'f';

    /// <summary>An NMI arrives.</summary>
    public const char Nmi = 'n';

    /// <summary>As the result of an arrival: the handler does not block SIGTRAP.</summary>
    public const byte LeavesMask = 1;

    /// <summary>The stop signal is delivered.</summary>
    public const char Stop = 'p';

    /// <summary>As in a schedule: "s0", or "s1=2" where the result was chosen.</summary>
    public override string ToString() => Result == 0 ? $"{Kind}{Cpu}" : $"{Kind}{Cpu}={Result}";

    public static Transition Parse(string text) =>
        new(text[0], (byte)(text[1] - '0'), text.Length > 3 ? byte.Parse(text[3..], System.Globalization.CultureInfo.InvariantCulture) : (byte)0);
}
