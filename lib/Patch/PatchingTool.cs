using System;

namespace Ftrace.Patch;

/// <summary>Tools that patch the entries of functions in processes, by the file names of their objects.</summary>
internal static class PatchingTool
{
    public const int None = -1;

    private const int Count = 5;

    /// <summary>The tool that an object belongs to, by its file name; or <see cref="None"/>.</summary>
    public static int Find(ReadOnlySpan<byte> fileName)
    {
        for (int tool = 0; tool < Count; tool++)
        {
            if (fileName.IndexOf(PartOfFileName(tool)) >= 0)
            {
                return tool;
            }
        }

        return None;
    }

    public static ReadOnlySpan<byte> NameOf(int tool) => tool switch
    {
        0 => "uftrace"u8,
        1 => "Frida"u8,
        2 => "Dyninst"u8,
        3 => "libpulp, live patches"u8,
        _ => "funchook"u8,
    };

    private static ReadOnlySpan<byte> PartOfFileName(int tool) => tool switch
    {
        0 => "libmcount"u8,
        1 => "frida"u8, // frida-agent-64.so, frida-gadget.so
        2 => "libdyninstAPI_RT"u8,
        3 => "libpulp"u8,
        _ => "funchook"u8,
    };
}
