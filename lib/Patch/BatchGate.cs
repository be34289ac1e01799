using Ftrace.Linux;
using Ftrace.Protocol;

namespace Ftrace.Patch;

/// <summary>The gate while one batch is changed: opened and closed, unless the caller has prepared.</summary>
internal unsafe struct BatchGate(NmiThread* self, FtraceMethod method)
{
    private bool _opened;

    /// <returns>0, or -errno; then it is as before.</returns>
    public int Open()
    {
        if (!PatchGate.IsOwner(self))
        {
            int error = PatchGate.Prepare(self);
            if (error != 0)
            {
                return error;
            }

            _opened = true;
        }

        PatchState.Shared->LastMethod = method;
        if (PatchState.Shared->Killed == 0)
        {
            return 0;
        }

        Close();
        return -Errno.EIO;
    }

    public void Close()
    {
        if (_opened)
        {
            PatchGate.PostProcess(self);
            _opened = false;
        }
    }
}
