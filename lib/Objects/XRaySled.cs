using System.Runtime.InteropServices;

namespace Ftrace.Objects;

/// <summary>
/// An entry of the section that Clang's -fxray-instrument fills: a sled, at a function's entry or elsewhere. Both addresses are relative
/// to the fields that they are in, so no relocation is needed. Source: LLVM's AsmPrinter::emitXRayTable().
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 32, Pack = 1)]
internal unsafe struct XRaySled
{
    /// <summary>Before that, addresses were absolute (LLVM 10).</summary>
    private const byte RelativeVersion = 2;
    private const byte FunctionEnter = 0;
    private const byte LogArgsEnter = 3;

    [FieldOffset(0)]
    private long _address;

    [FieldOffset(8)]
    private long _function;

    [FieldOffset(16)]
    private byte _kind;

    [FieldOffset(18)]
    private byte _version;

    /// <summary>True for the sled at a function's entry; others are at its exits, and where it reports events.</summary>
    public readonly bool IsEntry => _version == RelativeVersion && _kind is FunctionEnter or LogArgsEnter;

    /// <summary>Where the sled of an entry in memory is.</summary>
    public static ulong AddressOf(XRaySled* sled) => Follow(&sled->_address);

    /// <summary>Where its function begins.</summary>
    public static ulong FunctionOf(XRaySled* sled) => Follow(&sled->_function);

    private static ulong Follow(long* field) => unchecked((ulong)field + (ulong)*field);
}
