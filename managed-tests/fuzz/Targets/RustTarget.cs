using System;
using Ftrace.Names;

namespace Ftrace.Fuzz;

/// <summary>The input is a symbol, and also a name as it is made of one: either is read within its bounds, and what is written has room.</summary>
public static class RustTarget
{
    private const int MostBytes = 4096;
    private const int Room = 2 * MostBytes;

    public static void Run(byte[] input)
    {
        if (input.Length > MostBytes)
        {
            return;
        }

        byte[] name = new byte[Room];
        int length = RustDemangler.Write(input, name);
        Finding.Unless(length == 0 || RustDemangler.IsRust(input), "the name of a symbol that is not one of Rust");
        Finding.Unless(RustDemangler.Write(input, new byte[Math.Max(length - 1, 0)]) == 0, "a name that is longer than its room");
        Shorten(name.AsSpan(0, length));
        Shorten(input);
    }

    private static void Shorten(ReadOnlySpan<byte> name)
    {
        byte[] shortened = new byte[name.Length];
        for (RustOmission omission = RustOmission.None; omission <= RustOmission.All; omission++)
        {
            int length = RustName.Shorten(name, omission, shortened);
            Finding.Unless(omission != RustOmission.None || shortened.AsSpan(0, length).SequenceEqual(name), "another name with nothing left out");
        }
    }
}
