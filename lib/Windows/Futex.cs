namespace Ftrace.Windows;

/// <summary>WaitOnAddress: what futex(2) is on Linux, for words of this process.</summary>
internal static unsafe class Futex
{
    private const long NsPerTick = 100;

    /// <summary>Sleeps while <paramref name="word"/> holds <paramref name="value"/>; may wake early.</summary>
    public static void Wait(uint* word, uint value, long timeoutNs = 0)
    {
        long interval = -(timeoutNs / NsPerTick);
        Ntdll.RtlWaitOnAddress(word, &value, sizeof(uint), timeoutNs == 0 ? null : &interval);
    }

    /// <summary>Wakes at most <paramref name="count"/> sleepers; if that is more than one, all.</summary>
    public static void Wake(uint* word, int count)
    {
        if (count == 1)
        {
            Ntdll.RtlWakeAddressSingle(word);
        }
        else
        {
            Ntdll.RtlWakeAddressAll(word);
        }
    }
}
