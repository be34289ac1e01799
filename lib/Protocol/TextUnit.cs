namespace Ftrace.Protocol;

/// <summary>Neighbouring locations that are announced and written at once.</summary>
/// <param name="Ip">Address of the first.</param>
/// <param name="Newcode">What <see cref="IMachine.WriteText"/> takes for the bytes.</param>
/// <param name="Length">Likewise, for how many.</param>
/// <param name="End">The rank after its last location, in the batch.</param>
internal readonly unsafe record struct TextUnit(ulong Ip, nint Newcode, uint Length, int End);
