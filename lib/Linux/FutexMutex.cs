using System.Threading;

namespace Ftrace.Linux;

/// <summary>
/// A mutex over one word of unmanaged memory: 0 free, 1 taken, 2 taken with somebody waiting.
/// </summary>
/// <remarks>
/// Hand-written because a lock of the runtime allocates, and one of the C library may be parked
/// in the middle. Source: U. Drepper, "Futexes Are Tricky", mutex 2.
/// </remarks>
[NoInstr]
internal static unsafe class FutexMutex
{
    public static void Lock(uint* word)
    {
        if (Interlocked.CompareExchange(ref *word, 1u, 0u) == 0)
        {
            return;
        }

        while (Interlocked.Exchange(ref *word, 2u) != 0)
        {
            Futex.Wait(word, 2);
        }
    }

    public static void Unlock(uint* word)
    {
        if (Interlocked.Exchange(ref *word, 0u) == 2)
        {
            Futex.Wake(word, 1);
        }
    }
}
