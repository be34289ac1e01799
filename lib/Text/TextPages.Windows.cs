namespace Ftrace.Text;

/// <content>Pages by VirtualProtect: the only writer. While it writes, the pages are executable too: the patcher may be running in one.</content>
internal static unsafe partial class TextPages
{
    private static int ErrorOfMap(int error) => error;

    /// <summary>Pages that the system has committed can be read.</summary>
    private static bool CanReadAll() => true;

    private static void ProbeRead(PatchBatch batch)
    {
    }

    /// <summary>Opens the pages of a batch for writing.</summary>
    /// <returns>0, or -EPERM; after an error all is as before.</returns>
    public static int Open(PatchBatch batch, FtraceWriter writer)
    {
        if (writer == FtraceWriter.ProcMem)
        {
            for (int i = 0; i < s_count; i++)
            {
                Fail(batch, s_regions + i);
            }

            return -Errno.EPERM;
        }

        TextState.Shared->LastWriter = FtraceWriter.Mprotect;
        return MakeWritable(batch);
    }

    /// <summary>Undoes <see cref="Open"/>.</summary>
    [NoInstr]
    public static void Close() => Restore();

    [NoInstr]
    private static int Protect(TextRegion* region, int protection) =>
        Memory.Protect(region->Start, region->End, PageProtection.Of(protection)) ? 0 : -Errno.EPERM;

    private static bool PopulateForWriting(PatchBatch batch, TextRegion* region)
    {
        // The first store to a page of a file copies it. In a window that would be a page fault and no more, but it may fail: now.
        for (ulong page = region->Start; page < region->End; page += Memory.PageSize)
        {
            byte* first = (byte*)page;
            System.Threading.Volatile.Write(ref *first, System.Threading.Volatile.Read(ref *first));
        }

        return true;
    }
}
