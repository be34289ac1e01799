using System;
using System.Runtime.CompilerServices;
using System.Threading;
using Ftrace.Linux;

namespace Ftrace.Text;

/// <content>Pages by Linux's calls: faulting in, /proc/self/mem, mprotect(2), and the child of a fork.</content>
internal static unsafe partial class TextPages
{
    private const int PagesPerProbe = 64;
    private const int PopulateRead = 22;
    private const int PopulateWrite = 23;

    private static int ErrorOfMap(int error) => ProcFile.ErrorOf(error);

    /// <summary>
    /// Faults all pages in, if there is one call for many pages. It fails where a load would raise SIGBUS, as after the end of
    /// a truncated file.
    /// </summary>
    /// <returns>False if some page may not be readable: each has to be probed.</returns>
    private static bool CanReadAll()
    {
        for (int i = 0; i < s_count; i++)
        {
            if (!s_regions[i].EveryPage || Populate(s_regions[i].Start, s_regions[i].End, PopulateRead) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Reads a byte of each page by a system call, which fails where a load would raise SIGBUS. If the system forbids the call, the
    /// memory map is relied on.
    /// </summary>
    [SkipLocalsInit] // clearing the arrays may call the C library's memset
    private static void ProbeRead(PatchBatch batch)
    {
        byte* sink = stackalloc byte[PagesPerProbe];
        Iovec* pages = stackalloc Iovec[PagesPerProbe];
        int rank = 0;
        ulong probed = 0; // pages below this one are done
        nint self = Native.Syscall(SyscallNumber.Gettid); // not the process: its main thread may have ended
        while (rank < batch.Count)
        {
            int count = 0;
            for (; rank < batch.Count && count + 1 < PagesPerProbe; rank++)
            {
                FtracePatch* patch = batch[rank];
                ulong last = patch->Ip + patch->Len - 1;
                for (ulong page = Math.Max(PageOf(patch->Ip), probed); patch->Error == 0 && page <= last; page += Memory.PageSize)
                {
                    pages[count++] = new Iovec { Base = page, Length = 1 };
                    probed = page + Memory.PageSize;
                }
            }

            for (int first = 0; first < count;)
            {
                var local = new Iovec { Base = (ulong)sink, Length = (ulong)(count - first) };
                nint got = Native.Syscall(SyscallNumber.ProcessVmReadv, self, (nint)(&local), 1, (nint)(pages + first), count - first);
                if (got < 0 && got != -Errno.EFAULT)
                {
                    return;
                }

                first += (int)Math.Max(got, 0);
                if (first < count)
                {
                    FailPage(batch, pages[first++].Base);
                }
            }
        }
    }

    private static void FailPage(PatchBatch batch, ulong page)
    {
        for (int rank = batch.RankReaching(page); rank < batch.Count && batch[rank]->Ip < page + Memory.PageSize; rank++)
        {
            batch[rank]->Error = -Errno.EFAULT;
        }
    }

    /// <summary>
    /// Opens the pages of a batch for writing, by the requested writer, so that a write can fail with -ENOMEM only: opens
    /// /proc/self/mem, or makes the pages writable and faults them in. <see cref="FtraceWriter.Auto"/> uses
    /// /proc/self/mem unless that is refused, or all pages are writable already.
    /// </summary>
    /// <returns>0, or -EPERM; after an error all is as before.</returns>
    public static int Open(PatchBatch batch, FtraceWriter writer)
    {
        TextState* state = TextState.Shared;
        bool auto = writer == FtraceWriter.Auto;
        if (writer != FtraceWriter.Mprotect && !(auto && AreWritable()))
        {
            state->LastWriter = FtraceWriter.ProcMem;
            int error = OpenProcMem(batch, state);
            if (error == 0 || !auto)
            {
                return error;
            }

            batch.ClearErrors();
        }

        state->LastWriter = FtraceWriter.Mprotect;
        return MakeWritable(batch);
    }

    /// <summary>The same while all other threads stand still.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OpenInWindow(PatchBatch batch, FtraceWriter writer) => Open(batch, writer);

    /// <summary>Undoes <see cref="Open"/>.</summary>
    [NoInstr]
    public static void Close()
    {
        TextState* state = TextState.Shared;
        if (state->MemFile != 0)
        {
            int file = state->MemFile - 1;
            Volatile.Write(ref state->MemFile, 0);
            ProcFile.Close(file);
            return;
        }

        Restore();
    }

    /// <summary>
    /// In the child of a fork: an open file refers to the parent's memory, and is replaced by one for the child's.
    /// </summary>
    /// <returns>True if a file was open, and the child's could be opened.</returns>
    [NoInstr]
    public static bool ReopenInChild()
    {
        TextState* state = TextState.Shared;
        if (state->MemFile == 0)
        {
            return false;
        }

        ProcFile.Close(state->MemFile - 1);
        int file = ProcMem.Open();
        state->MemFile = file < 0 ? 0 : file + 1;
        return file >= 0;
    }

    /// <summary>
    /// In the child of a fork that has to write in place: the parent may have been about to open the pages, or may have closed
    /// them. <see cref="Close"/> protects them again.
    /// </summary>
    /// <returns>False if they cannot be written; then the parent has written nothing either.</returns>
    [NoInstr]
    public static bool MakeWritableInChild()
    {
        bool writable = true;
        for (int i = 0; i < s_count; i++)
        {
            writable &= Protect(s_regions + i, s_regions[i].Protection | Memory.ProtWrite) == 0;
        }

        return writable;
    }

    /// <summary>In the child of a fork that does not complete the parent's change: must not write to the parent's memory.</summary>
    [NoInstr]
    public static void Abandon()
    {
        if (TextState.Shared->MemFile != 0)
        {
            Close();
        }
    }

    private static bool AreWritable()
    {
        for (int i = 0; i < s_count; i++)
        {
            if ((s_regions[i].Protection & Memory.ProtWrite) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Opens the file, and tries each region by writing a byte that is there.</summary>
    private static int OpenProcMem(PatchBatch batch, TextState* state)
    {
        int file = ProcMem.Open();
        int error = file < 0 ? -Errno.EPERM : 0;
        Volatile.Write(ref state->MemFile, file < 0 ? 0 : file + 1);
        for (int i = 0; i < s_count; i++)
        {
            byte same = *(byte*)s_regions[i].First;
            if (file < 0 || ProcMem.Write(file, s_regions[i].First, &same, 1) != 0)
            {
                Fail(batch, s_regions + i);
                error = -Errno.EPERM;
            }
        }

        if (error != 0 && file >= 0)
        {
            Close();
        }

        return error;
    }

    /// <summary>
    /// The call is made for writable pages too, although its result does not matter then: it waits for the end of a
    /// concurrent fork. See <c>TrapState.Open</c>.
    /// </summary>
    [NoInstr]
    private static int Protect(TextRegion* region, int protection)
    {
        int error = (int)Native.Syscall(SyscallNumber.Mprotect, (nint)region->Start, (nint)(region->End - region->Start), protection);
        return (region->Protection & Memory.ProtWrite) != 0 ? 0 : error;
    }

    /// <summary>
    /// Faults in the pages of a region that hold locations, run by run, as for a store. Before Linux 5.14 there is no such call.
    /// </summary>
    private static bool PopulateForWriting(PatchBatch batch, TextRegion* region)
    {
        ulong start = region->Start;
        ulong end = region->EveryPage ? region->End : start;
        for (int rank = batch.RankReaching(start); !region->EveryPage && rank < batch.Count && batch.IpOf(rank) < region->End; rank++)
        {
            FtracePatch* patch = batch[rank];
            ulong from = Math.Max(PageOf(patch->Ip), region->Start);
            ulong to = Math.Min(PageOf(patch->Ip + patch->Len - 1) + Memory.PageSize, region->End);
            if (from > end)
            {
                if (Populate(start, end, PopulateWrite) is not (0 or -Errno.EINVAL))
                {
                    return false;
                }

                start = from;
            }

            end = Math.Max(end, to);
        }

        return Populate(start, end, PopulateWrite) is 0 or -Errno.EINVAL;
    }

    /// <param name="start">First page.</param>
    /// <param name="end">The page after the last one.</param>
    /// <param name="advice">PopulateRead or PopulateWrite.</param>
    /// <returns>0 or -errno; -EINVAL: the system does not have the call.</returns>
    private static int Populate(ulong start, ulong end, int advice) =>
        start == end ? 0 : (int)Native.Syscall(SyscallNumber.Madvise, (nint)start, (nint)(end - start), advice);
}
