using System;

namespace Ftrace.Fuzz;

/// <summary>An input made the library do what it must not.</summary>
public sealed class Finding(string message) : Exception(message)
{
    public static void Unless(bool right, string message)
    {
        if (!right)
        {
            throw new Finding(message);
        }
    }
}
