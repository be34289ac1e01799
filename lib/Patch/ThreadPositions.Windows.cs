using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <content>Where threads stand: in the contexts with which they were suspended. What a host has saved elsewhere is not found.</content>
internal static unsafe partial class ThreadPositions
{
    private static bool HasThreads => SuspendedThreads.Count != 0;

    private static int Run(PatchBatch batch, PositionSearch search, Action action)
    {
        if (search == PositionSearch.None)
        {
            return 0;
        }

        bool good = true;
        for (int i = 0; i < SuspendedThreads.Count; i++)
        {
            SuspendedThread* thread = SuspendedThreads.At(i);
            ulong rip = thread->Rip;
            good &= LookAt(batch, ref rip, certain: true, action);
            if (rip != thread->Rip)
            {
                SuspendedThreads.Move(thread, rip);
            }
        }

        return good ? 0 : -Errno.EBUSY;
    }
}
