using Ftrace.Linux;
using Ftrace.Stop;
using Ftrace.Text;

namespace Ftrace.Exports;

/// <summary>Checks <c>struct ftrace_patch_opts</c>.</summary>
internal static unsafe class PatchOptions
{
    /// <returns>0, -EINVAL, -E2BIG, or -EOPNOTSUPP for a method that is not to be had.</returns>
    public static int Check(FtracePatchOpts* opts, out uint timeoutMs)
    {
        timeoutMs = StopMachine.DefaultTimeoutMs;
        if (opts == null)
        {
            return 0;
        }

        int error = SizedStruct.Check(opts, (nuint)sizeof(FtracePatchOpts));
        if (error != 0)
        {
            return error;
        }

        if (opts->TimeoutMs != 0)
        {
            timeoutMs = opts->TimeoutMs;
        }

        return opts->Method switch
        {
            FtraceMethod.Auto or FtraceMethod.StopMachine => 0,
            FtraceMethod.Breakpoint => -Errno.EOPNOTSUPP,
            _ => -Errno.EINVAL,
        };
    }
}
