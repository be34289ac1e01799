using System.Threading;
using Ftrace.Nmi;
using Ftrace.Protocol;

namespace Ftrace.Stop;

/// <summary>The threads of the current stop. Called with the stop mutex held.</summary>
internal static unsafe class SuspendedThreads
{
    /// <summary>The handle of the calling thread.</summary>
    public const nint CurrentThreadHandle = -2;

    private const int MaxThreads = 16384;
    private const uint Access = 0x0002 | 0x0008 | 0x0010 | 0x0040; // to suspend, to get and set the context, to query
    private const int ThreadIsTerminating = unchecked((int)0xc000004b);
    private const int StillActive = 0x103;
    private const ulong TlsArray = 0x58; // in the TEB

    private static SuspendedThread* s_threads;
    private static ThreadContext* s_context;
    private static int s_count;

    /// <summary>How many the table has.</summary>
    public static int Count => s_count;

    public static SuspendedThread* At(int index) => s_threads + index;

    /// <summary>Reserves memory, once.</summary>
    public static bool Reserve()
    {
        s_threads = s_threads != null ? s_threads : (SuspendedThread*)Memory.Map((nuint)MaxThreads * (nuint)sizeof(SuspendedThread));
        s_context = s_context != null ? s_context : (ThreadContext*)Memory.Map(Memory.PageSize);
        return s_threads != null && s_context != null;
    }

    /// <summary>Adds all other threads that the table does not have yet.</summary>
    /// <param name="self">The calling thread's id.</param>
    /// <returns>0, or -EAGAIN: there are too many.</returns>
    public static int FindNew(ulong self)
    {
        nint last = 0;
        nint next;
        int error = 0;
        while (error == 0 && Ntdll.NtGetNextThread(Ntdll.CurrentProcess, last, Access, 0, 0, &next) >= 0)
        {
            Close(last);
            last = next;
            ThreadInformation information = InformationOf(next);
            ulong id = information.ThreadId;
            if (id == 0 || id == self || information.ExitStatus != StillActive || IsKnown(id))
            {
                continue;
            }

            if (s_count == MaxThreads)
            {
                error = -Errno.EAGAIN;
                continue;
            }

            s_threads[s_count++] = new SuspendedThread { Handle = next, Id = id };
        }

        Close(last);
        return error;
    }

    /// <summary>Suspends those that do not stand still yet, unless they are inside an announced NMI.</summary>
    /// <param name="stop">The stop.</param>
    /// <param name="stopped">How many were suspended.</param>
    /// <param name="deferred">How many are, and have to be asked again.</param>
    /// <returns>0, or -EPERM: a thread cannot be suspended.</returns>
    public static int SuspendAll(StopState* stop, out int stopped, out int deferred)
    {
        stopped = 0;
        deferred = 0;
        int kept = 0;
        int error = 0;
        for (int i = 0; i < s_count; i++)
        {
            SuspendedThread thread = s_threads[i];
            if (thread.StandsStill == 0 && error == 0)
            {
                int status = Suspend(&thread);
                if (status == ThreadIsTerminating || (status < 0 && InformationOf(thread.Handle).ExitStatus != StillActive))
                {
                    Ntdll.NtClose(thread.Handle);
                    continue;
                }

                error = status < 0 ? -Errno.EPERM : 0;
                stopped += thread.StandsStill == 0 ? 0 : 1;
                deferred += thread.StandsStill == 0 ? 1 : 0;
                if (thread.StandsStill == 0)
                {
                    StopReport.Note((int)thread.Id, isRefused: status < 0);
                }

                if (thread.StandsStill == 0 && thread.WasDeferred == 0)
                {
                    thread.WasDeferred = 1;
                    stop->DeferredStops++;
                }
            }

            s_threads[kept++] = thread;
        }

        s_count = kept;
        return error;
    }

    /// <summary>Lets all go on, and empties the table.</summary>
    public static void ResumeAll()
    {
        for (int i = 0; i < s_count; i++)
        {
            if (s_threads[i].StandsStill != 0)
            {
                Ntdll.NtResumeThread(s_threads[i].Handle, null);
            }

            Ntdll.NtClose(s_threads[i].Handle);
        }

        s_count = 0;
    }

    /// <summary>Lets a thread that stands still go on elsewhere.</summary>
    public static void Move(SuspendedThread* thread, ulong rip)
    {
        s_context->ContextFlags = ThreadContext.Control;
        if (Ntdll.NtGetContextThread(thread->Handle, s_context) >= 0)
        {
            s_context->Rip = rip;
            s_context->ContextFlags = ThreadContext.Control;
            Ntdll.NtSetContextThread(thread->Handle, s_context);
            thread->Rip = rip;
        }
    }

    /// <summary>The general registers of a thread that stands still; valid until the next call of this class.</summary>
    /// <returns>Null if the system does not tell.</returns>
    public static ThreadContext* RegistersOf(SuspendedThread* thread)
    {
        s_context->ContextFlags = ThreadContext.General;
        return Ntdll.NtGetContextThread(thread->Handle, s_context) >= 0 ? s_context : null;
    }

    /// <summary>The calling thread's id.</summary>
    public static ulong Self => InformationOf(CurrentThreadHandle).ThreadId;

    private static int Suspend(SuspendedThread* thread)
    {
        int status = Ntdll.NtSuspendThread(thread->Handle, null);
        if (status < 0)
        {
            return status;
        }

        // It has not begun, and will not while it is suspended. Under wine its context would not come: who creates it may stand still half-way.
        ulong teb = InformationOf(thread->Handle).Teb;
        if (teb == 0)
        {
            thread->Rip = 0;
            thread->StandsStill = 1;
            return 0;
        }

        // The suspension may be under way; reading the context waits for it.
        s_context->ContextFlags = ThreadContext.Control;
        status = Ntdll.NtGetContextThread(thread->Handle, s_context);
        if (status >= 0 && !IsInAnnouncedNmi(teb))
        {
            thread->Rip = s_context->Rip;
            thread->StandsStill = 1;
            return 0;
        }

        Ntdll.NtResumeThread(thread->Handle, null);
        return status;
    }

    /// <summary>
    /// Reads the words of a thread that stands still. One that has none yet, or no longer, is in no NMI.
    /// </summary>
    private static bool IsInAnnouncedNmi(ulong teb)
    {
        ulong** blocks = *(ulong***)(teb + TlsArray);
        ulong block = blocks != null ? (ulong)blocks[Native.Table->TlsIndex] : 0;
        return block != 0 && NmiThread.IsAnnounced(Volatile.Read(ref ((NmiThread*)(block + Native.Table->TlsOffset))->Saved));
    }

    /// <summary>What the system knows of a thread.</summary>
    public static ThreadInformation InformationOf(nint thread)
    {
        ThreadInformation information = default;
        Ntdll.NtQueryInformationThread(thread, ThreadInformation.Kind, &information, (uint)sizeof(ThreadInformation), null);
        return information;
    }

    private static bool IsKnown(ulong id)
    {
        for (int i = 0; i < s_count; i++)
        {
            if (s_threads[i].Id == id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Closes a handle of the walk, unless the table has it.</summary>
    private static void Close(nint handle)
    {
        if (handle != 0 && (s_count == 0 || !IsInTable(handle)))
        {
            Ntdll.NtClose(handle);
        }
    }

    private static bool IsInTable(nint handle)
    {
        for (int i = s_count - 1; i >= 0; i--)
        {
            if (s_threads[i].Handle == handle)
            {
                return true;
            }
        }

        return false;
    }
}
