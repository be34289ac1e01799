using System.Threading;

namespace Ftrace.Linux;

/// <summary>
/// A mutex in one word of unmanaged memory: 0 free, 1 locked, 2 locked and contended.
/// </summary>
/// <remarks>
/// Written by hand: a lock of the runtime allocates, and a thread may be parked in the middle of a lock function of the C
/// library's. Source: U. Drepper, "Futexes Are Tricky", mutex 2.
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

    /// <param name="word">The mutex.</param>
    /// <param name="deadlineNs">Until when to wait, by <see cref="Clock.NowNs"/>.</param>
    /// <returns>False if another thread has it until then.</returns>
    public static bool TryLock(uint* word, long deadlineNs)
    {
        if (TryLock(word))
        {
            return true;
        }

        while (Interlocked.Exchange(ref *word, 2u) != 0)
        {
            long rest = deadlineNs - Clock.NowNs();
            if (rest <= 0)
            {
                return false;
            }

            Futex.Wait(word, 2, rest);
        }

        return true;
    }

    /// <returns>False if another thread has it.</returns>
    public static bool TryLock(uint* word) => Interlocked.CompareExchange(ref *word, 1u, 0u) == 0;

    public static void Unlock(uint* word)
    {
        if (Interlocked.Exchange(ref *word, 0u) == 2)
        {
            Futex.Wake(word, 1);
        }
    }
}
