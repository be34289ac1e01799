using Ftrace.Objects;

namespace Ftrace.JumpLabel;

/// <summary>The checked arguments of a call of ftrace/static_key.h, and its result.</summary>
internal unsafe struct StaticKeyCall
{
    public StaticKeyOperation Operation;
    public FtraceStaticKey* Key;
    public int Result;
}
