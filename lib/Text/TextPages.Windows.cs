namespace Ftrace.Text;

/// <content>
/// Pages by VirtualProtect. While text is written, other threads may execute the pages, so they are executable too; unless all stand still,
/// and the caller wants that no page is ever both.
/// </content>
internal static unsafe partial class TextPages
{
    private const int Failed = -1;

    /// <summary>The pages of the batch are not executable while they are writable.</summary>
    private static bool s_dropsExecution;

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
            return Refuse(batch, onlySystem: false);
        }

        s_dropsExecution = false;
        TextState.Shared->LastWriter = FtraceWriter.Mprotect;
        return MakeWritable(batch);
    }

    /// <summary>
    /// The same while all other threads stand still. <see cref="FtraceWriter.ProcMem"/>: no page is writable and executable; not for pages
    /// that the patcher itself may execute, nor if the system may refuse to make them executable again.
    /// </summary>
    /// <returns>0, or -EPERM; after an error all is as before.</returns>
    public static int OpenInWindow(PatchBatch batch, FtraceWriter writer)
    {
        if (writer != FtraceWriter.ProcMem)
        {
            return Open(batch, writer);
        }

        int error = Refuse(batch, onlySystem: !MitigationPolicy.ForbidsDynamicCode());
        if (error != 0)
        {
            return error;
        }

        s_dropsExecution = true;
        TextState.Shared->LastWriter = FtraceWriter.ProcMem;
        return MakeWritable(batch);
    }

    /// <summary>Marks the locations in all pages, or only in those of libraries that this one needs.</summary>
    /// <returns>-EPERM if there are any, else 0.</returns>
    private static int Refuse(PatchBatch batch, bool onlySystem)
    {
        int error = 0;
        for (int i = 0; i < s_count; i++)
        {
            TextRegion* region = s_regions + i;
            if (!onlySystem || Native.Table->IsOfSystem(Memory.AllocationOf(region->Start)))
            {
                Fail(batch, region);
                error = -Errno.EPERM;
            }
        }

        return error;
    }

    /// <summary>Undoes <see cref="Open"/>.</summary>
    [NoInstr]
    public static void Close() => Restore();

    [NoInstr]
    private static int Protect(TextRegion* region, int protection)
    {
        if (s_dropsExecution && (region->Protection & Memory.ProtWrite) == 0)
        {
            return ProtectWithout(region, protection);
        }

        return Memory.Protect(region->Start, region->End, PageProtection.Of(protection)) ? 0 : Failed;
    }

    /// <summary>The same, and a page is executable only if it is not writable.</summary>
    [NoInstr]
    private static int ProtectWithout(TextRegion* region, int protection)
    {
        if ((protection & Memory.ProtWrite) != 0)
        {
            return Memory.Protect(region->Start, region->End, PageProtection.ReadWrite) ? 0 : Failed;
        }

        // The targets of indirect calls that control flow guard knows stay the same; a system that has none may not know the flag.
        uint old = PageProtection.Of(protection);
        return Memory.Protect(region->Start, region->End, old | PageProtection.TargetsNoUpdate)
            || Memory.Protect(region->Start, region->End, old)
            || Memory.Protect(region->Start, region->End, PageProtection.ExecuteReadWrite) ? 0 : Failed;
    }

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
