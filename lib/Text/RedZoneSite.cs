using System.Runtime.InteropServices;

namespace Ftrace.Text;

/// <summary>A site from which a function is called over the red zone: what Native/redzone.S reads.</summary>
[StructLayout(LayoutKind.Explicit, Size = Offsets.RedZoneSite_SizeOf)]
internal struct RedZoneSite
{
    /// <summary>The function.</summary>
    [FieldOffset(Offsets.RedZoneSite_Target)] public ulong Target;

    /// <summary>Where the site's function goes on: after the site.</summary>
    [FieldOffset(Offsets.RedZoneSite_Back)] public ulong Back;
}
