namespace Ftrace.Tests.Documents;

/// <summary>A word that the glossary rules out.</summary>
/// <param name="Pattern">A regular expression for its forms; a space matches the end of a line too.</param>
/// <param name="Instead">What to write instead.</param>
/// <param name="Planted">A text that has it.</param>
internal sealed record WordRule(string Pattern, string Instead, string Planted);
