namespace Ftrace.Tests.Abi;

/// <summary>One disagreement, with both sides.</summary>
/// <param name="Kind">In what they disagree.</param>
/// <param name="Header">What the header says, and where.</param>
/// <param name="Other">What the C# member, the library, the symbol map or the native file says.</param>
internal sealed record AbiMismatch(AbiMismatchKind Kind, string Header, string Other)
{
    public override string ToString() => $"{Kind}: {Header}  <>  {Other}";
}
