using System;
using Ftrace.Linux;
using Ftrace.Patch;
using Ftrace.Text;

namespace Ftrace.Exports;

/// <summary>Checks <c>struct ftrace_patch_opts</c>.</summary>
internal static unsafe class PatchOptions
{
    /// <returns>0, -EINVAL or -E2BIG.</returns>
    public static int Check(FtracePatchOpts* opts, out PatchRequest request)
    {
        request = PatchRequest.Auto;

        int error = SizedStruct.Check(opts, FtracePatchOpts.FirstSize, (nuint)sizeof(FtracePatchOpts));
        if (error != 0)
        {
            return error;
        }

        // Fields that the caller's version does not have are 0.
        FtracePatchOpts known = default;
        new ReadOnlySpan<byte>(opts, (int)nuint.Min(opts->Size, (nuint)sizeof(FtracePatchOpts))).CopyTo(new Span<byte>(&known, sizeof(FtracePatchOpts)));
        request = new PatchRequest(known.Method, known.Writer, known.TimeoutMs != 0 ? known.TimeoutMs : request.TimeoutMs);
        bool valid = known.Method is >= FtraceMethod.Auto and <= FtraceMethod.Breakpoint
            && known.Writer is >= FtraceWriter.Auto and <= FtraceWriter.Mprotect
            && known.Flags == 0;
        return valid ? 0 : -Errno.EINVAL;
    }
}
