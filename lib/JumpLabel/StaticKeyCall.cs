using Ftrace.Objects;

namespace Ftrace.JumpLabel;

/// <summary>A call of ftrace/static_key.h, checked, on its way to where the locks are held.</summary>
internal unsafe struct StaticKeyCall
{
    public StaticKeyOperation Operation;
    public FtraceStaticKey* Key;
    public int Result;
}
