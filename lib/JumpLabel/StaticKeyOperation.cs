namespace Ftrace.JumpLabel;

/// <summary>What a call of ftrace/static_key.h asks for.</summary>
internal enum StaticKeyOperation
{
    Enable,
    Disable,
    Inc,
    Dec,
}
