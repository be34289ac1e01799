using System.Threading;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Text;

namespace Ftrace.Patch;

/// <content>Traps are exceptions, which no thread can block; the handler for them is the first one of the process.</content>
internal unsafe partial struct BreakpointMethod
{
    private const uint LongestWaitMs = 1000;

    /// <summary>
    /// A debugger gets breakpoints first, and stops the process at those that it did not set; a call that is emulated is not on a shadow stack.
    /// </summary>
    private static bool IsForbidden => Ntdll.HasDebugger() || MitigationPolicy.HasShadowStack();

    /// <summary>Not in code that is executed before the handler is called: that of the system's libraries.</summary>
    private static bool CanTrapAt(ulong ip) => !Native.Table->IsOfSystem(Memory.AllocationOf(ip));

    /// <summary>The locations are looked up, read and compared. Other handlers that were added to the front since are behind ours again.</summary>
    public int Begin()
    {
        StopState.Shared->DeadlineNs = Clock.NowNs() + _request.TimeoutMs * Clock.NsPerMs;
        _copy = (FtracePatch*)Memory.Map(CopyBytes);
        if (_copy == null || !TextPages.Reserve() || Native.Table->WatchTraps() != 0)
        {
            return -Errno.ENOMEM;
        }

        return TextComparison.Verify(_batch, _request.AllowsOwnText, OldCodeMatch.Exact, out _);
    }

    /// <inheritdoc/>
    public readonly void End(int error)
    {
        if (_copy != null && error != -Errno.EIO)
        {
            Memory.Unmap(_copy, CopyBytes);
        }
    }

    /// <summary>It cannot fail.</summary>
    public readonly int ErrorOfSync(int error) => error;

    /// <summary>
    /// Nothing blocks a trap. When the entries have been moved away from the caller's memory, those who look at them there are waited for.
    /// </summary>
    public readonly int LookAtMasks()
    {
        BreakpointState* words = &TrapState.Shared->Protocol;
        for (uint waited = 0; words->Armed != 0 && Volatile.Read(ref words->Handlers) != 0 && waited < LongestWaitMs; waited++)
        {
            Clock.Sleep(Clock.NsPerMs);
        }

        return 0;
    }

    /// <summary>Nobody can be asked to wait.</summary>
    public readonly void BlockNmis()
    {
    }
}
