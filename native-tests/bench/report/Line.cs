namespace Ftrace.Bench;

/// <summary>A curve: the library's values, or the peer's, of a row by its key without the part and the unit.</summary>
internal sealed record Line(string Title, string Section, string What, string Against = "", bool IsPeer = false);
