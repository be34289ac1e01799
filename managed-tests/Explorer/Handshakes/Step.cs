using System.Collections.Generic;

namespace Ftrace.Tests.Explorer.Handshakes;

/// <summary>One step of a context.</summary>
/// <param name="Kind">What.</param>
/// <param name="Word">On which word; or an event's number.</param>
/// <param name="Size">Of how many words: two are one of 64 bits.</param>
/// <param name="Value">What is stored, or which thread it is about.</param>
/// <param name="Expected">Of a compare-exchange, and of a sleep.</param>
/// <param name="MayGiveUp">A sleep that may end by itself.</param>
/// <param name="Seen">What was read since the last wait; of size 0: whether the thread of minus that number has ended.</param>
internal sealed record Step(
    StepKind Kind, int Word = 0, int Size = 1, ulong Value = 0, ulong Expected = 0, bool MayGiveUp = false, IReadOnlyList<(int Word, int Size, ulong Value)>? Seen = null);
