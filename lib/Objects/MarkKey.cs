using System.Runtime.InteropServices;
using Ftrace.Linux;

namespace Ftrace.Objects;

/// <summary><c>struct ftrace_mark_key</c>: the key of the marks of a source file. All follow that of the library.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MarkKey
{
    /// <summary>In <see cref="FtraceStaticKey.Reserved"/>: the key is one of these.</summary>
    private const int Bit = 2;

    public FtraceStaticKey Key;
    public void* Mark;
    public void* Printk;

    /// <summary>The library's own.</summary>
    public static MarkKey* Own => (MarkKey*)Native.Table->MarkKey;

    /// <summary>True if a key is one of these.</summary>
    public static bool Is(FtraceStaticKey* key) => (key->Reserved & Bit) != 0;

    /// <summary>Makes the key follow the library's, unless it follows that of another copy of the library.</summary>
    public static void Adopt(MarkKey* key)
    {
        if (key->Key.Origin == null)
        {
            key->Mark = Own->Mark;
            key->Printk = Own->Printk;
            key->Key.Origin = &Own->Key;
        }
    }
}
