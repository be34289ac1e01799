using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <content>Where threads stand: in the contexts of signal handlers, and, seized, in their registers.</content>
internal static unsafe partial class ThreadPositions
{
    private static bool HasThreads => ThreadTable.Used != 0;

    private static int Run(PatchBatch batch, PositionSearch search, Action action)
    {
        if (search == PositionSearch.None)
        {
            return 0;
        }

        bool good = true;
        uint generation = StopState.Shared->Generation;
        for (int i = 0; i < ThreadTable.Used; i++)
        {
            ThreadRecord* record = ThreadTable.Records + i;
            if (record->Tid == 0 || !record->StandsStill(generation))
            {
                continue;
            }

            good &= LookAtRegisters(batch, record, generation, action);
            if (search == PositionSearch.Stacks)
            {
                good &= LookAtStacks(batch, record, action);
            }
        }

        return good ? 0 : -Errno.EBUSY;
    }

    private static bool LookAtRegisters(PatchBatch batch, ThreadRecord* record, uint generation, Action action)
    {
        if (record->SeizedGeneration == generation)
        {
            return LookAt(batch, ref record->Rip, certain: true, action);
        }

        return record->Context == 0 || LookAt(batch, ref *Ucontext.Rip(record->Context), certain: true, action);
    }

    private static bool LookAtStacks(PatchBatch batch, ThreadRecord* record, Action action)
    {
        bool good = true;
        var saved = new SavedContexts(record->StackPointer);
        while (saved.Next(out ulong context))
        {
            ulong rip = *Ucontext.Rip(context);
            good &= LookAt(batch, ref rip, certain: false, action);
            if (rip != *Ucontext.Rip(context))
            {
                OwnMemory.Write((ulong)Ucontext.Rip(context), rip);
            }
        }

        return good && !saved.IsIncomplete;
    }
}
