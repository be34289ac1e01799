using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Record;

/// <summary><c>struct sampler</c>, Native/recorder.h: what the handler of samples needs.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.Sampler_SizeOf)]
internal unsafe struct SamplerWords
{
    /// <summary>Samples are written.</summary>
    [FieldOffset(Offsets.Sampler_On)] public uint On;

    /// <summary>Handlers that may use a descriptor.</summary>
    [FieldOffset(Offsets.Sampler_Running)] public uint Running;

    [FieldOffset(Offsets.Sampler_Written)] public ulong Written;

    /// <summary>The thread had no ring, and got none.</summary>
    [FieldOffset(Offsets.Sampler_Lost)] public ulong Lost;

    /// <summary>The kernel could not send the signal of a timer, which has ended: the limit of pending signals was reached.</summary>
    [FieldOffset(Offsets.Sampler_Missed)] public uint Missed;

    [NoInstr]
    public static SamplerWords* Shared => (SamplerWords*)Native.Table->Sampler;
}
