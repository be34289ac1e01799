using System;
using System.Threading;
using Ftrace.Linux;
using Ftrace.Patch;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Trace;

/// <summary>
/// Sets the function that is called in place of every handler: <c>ftrace_update_ftrace_func()</c>. Called with the trace mutex held; a
/// grace period has to follow before the call returns.
/// </summary>
/// <remarks>
/// <para>The code at <see cref="FtraceCall.Ip"/> decides what is called: with a nop the handlers, with one jump the trace function, with
/// another jump nothing. The trace function's address is a word that is read after the jump. From one function to another only the
/// word changes; it never changes to null, because a thread may be past the jump when that is removed.</para>
/// <para>The trampoline decides once for a call, also for a set of handlers: one that has not saved the vector registers
/// must not call the trace function later.</para>
/// </remarks>
internal static unsafe class TraceFunction
{
    /// <returns>0 or an -errno of the patcher; after an error all is as before.</returns>
    public static int Update(void* func)
    {
        NativeTable* native = Native.Table;
        FtracePatch* patches = stackalloc FtracePatch[TraceSlots.Kinds];
        bool changes = false;
        for (int i = 0; i < TraceSlots.Kinds; i++)
        {
            FtraceCall* site = (FtraceCall*)native->FtraceCalls + i;
            var old = new Span<byte>(patches[i].OldCode, X86Instruction.CallSize);
            var code = new Span<byte>(patches[i].NewCode, X86Instruction.CallSize);
            patches[i].Ip = site->Ip;
            patches[i].Len = X86Instruction.CallSize;
            new ReadOnlySpan<byte>((byte*)site->Ip, X86Instruction.CallSize).CopyTo(old);
            if (func == null)
            {
                X86Instruction.Nop5.CopyTo(code);
            }
            else if (!X86Instruction.TryEncodeJump(site->Ip, func == native->TraceStub ? site->Done : site->Redirect, code))
            {
                return -Errno.ERANGE;
            }

            changes |= !old.SequenceEqual(code);
        }

        if (func != null && func != native->TraceStub)
        {
            Volatile.Write(ref *(ulong*)native->TraceFunction, (ulong)func);
        }

        int error = changes ? Patcher.Patch(patches, TraceSlots.Kinds, PatchRequest.Default with { AllowsOwnText = true }) : 0;
        if (error == 0)
        {
            Volatile.Write(ref GraphSets.Shared->Redirected, RedirectionTo(func));
        }

        return error;
    }

    /// <summary>For functions whose exits are traced too, <see cref="GraphSets.Redirected"/>.</summary>
    private static ulong RedirectionTo(void* func)
    {
        if (func == null)
        {
            return 0;
        }

        return func == Native.Table->TraceStub ? 2ul : 1ul;
    }
}
