using System.Collections.Immutable;
using System.Linq;

namespace Ftrace.Tests.NoInstr;

/// <summary>What is so at an instruction, on every way there.</summary>
/// <param name="Registers">The general registers, by number.</param>
/// <param name="Words">Words of the stack that were written, by the distance from the stack pointer of the entry.</param>
/// <param name="Saved">Bit n: vector register n is on the stack.</param>
/// <param name="Intact">Bit n: it holds what it held at the entry.</param>
internal sealed record RegisterState(ImmutableArray<RegisterValue> Registers, ImmutableDictionary<int, RegisterValue> Words, uint Saved, uint Intact)
{
    public const int Rsp = 4;
    public const uint All = 0xffff;

    public static RegisterState AtEntry { get; } = new(
        [.. Enumerable.Range(0, 16).Select(n => n == Rsp ? RegisterValue.Stack(0) : new RegisterValue(RegisterValueKind.Register, n))],
        ImmutableDictionary<int, RegisterValue>.Empty, 0, All);

    public RegisterValue WordAt(int offset) => Words.TryGetValue(offset, out RegisterValue value) ? value : new RegisterValue(RegisterValueKind.Word, offset);

    public RegisterState With(int register, RegisterValue value) => this with { Registers = Registers.SetItem(register, value) };

    /// <summary>Stores a word. An address that is not known is below all that was stored: the stack pointer was rounded down.</summary>
    public RegisterState Store(RegisterValue address, RegisterValue value) =>
        address.Kind == RegisterValueKind.Stack ? this with { Words = Words.SetItem(address.Number, value) } : this;

    public RegisterState Merge(RegisterState other)
    {
        ImmutableDictionary<int, RegisterValue> words = Words.Keys.Union(other.Words.Keys)
            .ToImmutableDictionary(offset => offset, offset => WordAt(offset) == other.WordAt(offset) ? WordAt(offset) : RegisterValue.Unknown);
        return new(
            [.. Registers.Zip(other.Registers, (a, b) => a == b ? a : RegisterValue.Unknown)], words, Saved & other.Saved, Intact & other.Intact);
    }

    public bool IsSameAs(RegisterState other) =>
        Registers.SequenceEqual(other.Registers) && Saved == other.Saved && Intact == other.Intact
        && Words.Count == other.Words.Count && Words.All(word => other.Words.TryGetValue(word.Key, out RegisterValue value) && value == word.Value);
}
