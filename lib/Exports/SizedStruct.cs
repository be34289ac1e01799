using Ftrace.Linux;

namespace Ftrace.Exports;

/// <summary>Structures of the ABI that begin with their size and may grow.</summary>
internal static unsafe class SizedStruct
{
    /// <summary>A size of more than a page is an error, as with the kernel's copy_struct_from_user().</summary>
    private const nuint Largest = 4096;

    /// <summary>
    /// Checks the size of a caller's structure against the size in the first version, and the one that this library knows.
    /// </summary>
    /// <returns>0; -EINVAL if it is too small; -E2BIG if it is larger than 4096 bytes, or its unknown bytes are not all 0.</returns>
    public static int Check(void* value, nuint first, nuint known)
    {
        nuint size = *(nuint*)value;
        if (size < first)
        {
            return -Errno.EINVAL;
        }

        if (size > Largest)
        {
            return -Errno.E2BIG;
        }

        for (nuint at = known; at < size; at++)
        {
            if (((byte*)value)[at] != 0)
            {
                return -Errno.E2BIG;
            }
        }

        return 0;
    }
}
