using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ftrace.Linux;
using Ftrace.Nmi;
using Ftrace.Patch;
using Ftrace.Stop;
using Ftrace.Text;
using Ftrace.X86;

namespace Ftrace.Exports;

/// <summary>
/// ftrace/patch.h: checks of the arguments and one call each. Native/entry.c has refused calls from
/// handlers before they get here.
/// </summary>
internal static unsafe partial class PatchExports
{
    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_arch_code_modify_prepare", CallConvs = [typeof(CallConvCdecl)])]
    public static int Prepare() => PatchGate.Prepare(CurrentThread.Words);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_arch_code_modify_post_process", CallConvs = [typeof(CallConvCdecl)])]
    public static int PostProcess() => PatchGate.PostProcess(CurrentThread.Words);

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_stop_machine", CallConvs = [typeof(CallConvCdecl)])]
    public static int Stop(void* fn, void* data)
    {
        if (fn == null)
        {
            return -Errno.EINVAL;
        }

        int error = StopMachine.Open(CurrentThread.Words, StopMachine.DefaultTimeoutMs);
        if (error != 0)
        {
            return error;
        }

        int result = Native.Table->Run(fn, data);
        StopMachine.Close();
        return result;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_modify_code", CallConvs = [typeof(CallConvCdecl)])]
    public static int ModifyCode(ulong ip, byte* oldCode, byte* newCode)
    {
        if (oldCode == null || newCode == null)
        {
            return -Errno.EFAULT;
        }

        FtracePatch patch = NewPatch(ip);
        new ReadOnlySpan<byte>(oldCode, X86Instruction.CallSize).CopyTo(Old(&patch));
        new ReadOnlySpan<byte>(newCode, X86Instruction.CallSize).CopyTo(New(&patch));
        return Patcher.Patch(&patch, 1, PatchRequest.Single);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_make_nop", CallConvs = [typeof(CallConvCdecl)])]
    public static int MakeNop(ulong ip, ulong address)
    {
        FtracePatch patch = NewPatch(ip);
        X86Instruction.Nop5.CopyTo(New(&patch));
        if (RedZoneCall.IsAt(ip, address, patch.OldCode))
        {
            return Patcher.Patch(&patch, 1, PatchRequest.Default);
        }

        return X86Instruction.TryEncodeCall(ip, address, Old(&patch))
            ? Patcher.Patch(&patch, 1, PatchRequest.Single)
            : -Errno.ERANGE;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_make_call", CallConvs = [typeof(CallConvCdecl)])]
    public static int MakeCall(ulong ip, ulong address)
    {
        FtracePatch patch = NewPatch(ip);
        X86Instruction.Nop5.CopyTo(Old(&patch));
        return X86Instruction.TryEncodeCall(ip, address, New(&patch))
            ? Patcher.Patch(&patch, 1, PatchRequest.Single, OldCodeMatch.AnyNops)
            : -Errno.ERANGE;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_patch_text", CallConvs = [typeof(CallConvCdecl)])]
    public static int PatchText(FtracePatch* patches, nuint count, FtracePatchOpts* opts)
    {
        PatchRequest request = PatchRequest.Default;
        int error = opts != null ? PatchOptions.Check(opts, out request) : 0;
        if (error != 0 || count == 0)
        {
            return error;
        }

        if (patches == null)
        {
            return -Errno.EFAULT;
        }

        return count > Patcher.MaxCount ? -Errno.E2BIG : Patcher.Patch(patches, (int)count, request);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_set_patch_opts", CallConvs = [typeof(CallConvCdecl)])]
    public static int SetPatchOpts(FtracePatchOpts* opts)
    {
        PatchRequest request = PatchRequest.Auto;
        int error = opts != null ? PatchOptions.Check(opts, out request) : 0;
        if (error != 0)
        {
            return error;
        }

        PatchState.Shared->Default = request;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_arch_read_dyn_info", CallConvs = [typeof(CallConvCdecl)])]
    public static int ReadDynInfo(byte* buffer, int size)
    {
        if (size < 0)
        {
            return -Errno.EINVAL;
        }

        return buffer == null && size != 0 ? -Errno.EFAULT : Statistics.FormatDynInfo(new Span<byte>(buffer, size), X86Nmi.State);
    }

    [UnmanagedCallersOnly(EntryPoint = "thread_ftrace_get_stats", CallConvs = [typeof(CallConvCdecl)])]
    public static int GetStats(FtraceStats* stats)
    {
        if (stats == null)
        {
            return -Errno.EFAULT;
        }

        int error = SizedStruct.Check(stats, FtraceStats.FirstSize, (nuint)sizeof(FtraceStats));
        if (error != 0)
        {
            return error;
        }

        FtraceStats now = default;
        now.Size = stats->Size;
        Statistics.Fill(&now, X86Nmi.State, StopState.Shared, TrapState.Shared, TextState.Shared, PatchState.Shared);
        FillTracing(&now);
        int known = (int)nuint.Min(stats->Size, (nuint)sizeof(FtraceStats));
        new ReadOnlySpan<byte>(&now, known).CopyTo(new Span<byte>(stats, known));
        return 0;
    }

    private static FtracePatch NewPatch(ulong ip) => new() { Ip = ip, Len = X86Instruction.CallSize };

    private static Span<byte> Old(FtracePatch* patch) => new(patch->OldCode, X86Instruction.MaxPatch);

    private static Span<byte> New(FtracePatch* patch) => new(patch->NewCode, X86Instruction.MaxPatch);
}
