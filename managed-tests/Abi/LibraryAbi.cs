using System;
using System.Collections.Generic;
using Ftrace.Exports;
using Ftrace.JumpLabel;
using Ftrace.Objects;
using Ftrace.Patch;
using Ftrace.Protocol;
using Ftrace.Record;
using Ftrace.Text;
using Ftrace.Trace;
using Ftrace.X86;

namespace Ftrace.Tests.Abi;

/// <summary>The library's own ABI: the pairs of names that no rule gives, and the exceptions.</summary>
internal static class LibraryAbi
{
    private const string OfNativeFile = "C# has no need of it; programs are compiled with the value";
    private const string OwnVersion = "version of the C# assembly";

    private static readonly Version s_version = typeof(FtraceStats).Assembly.GetName().Version!;

    public static AbiMap Map { get; } = new()
    {
        Node = "FTRACE_1",
        LaterNodes = new Dictionary<string, string>
        {
            ["ftrace_strerror"] = "FTRACE_1.1",
            ["ftrace_make_call_redzone"] = "FTRACE_1.1",
            ["ftrace_stack_size"] = "FTRACE_1.1",
            ["ftrace_site_data"] = "FTRACE_1.1",
            ["ftrace_lookup"] = "FTRACE_1.1",
            ["ftrace_check_stack"] = "FTRACE_1.1",
            ["ftrace_register_graph"] = "FTRACE_1.1",
            ["ftrace_unregister_graph"] = "FTRACE_1.1",
            ["ftrace_graph_set_filter"] = "FTRACE_1.1",
            ["ftrace_graph_set_notrace"] = "FTRACE_1.1",
            ["ftrace_graph_ret_addr"] = "FTRACE_1.1",
            ["ftrace_graph_unwind_table"] = "FTRACE_1.1",
            ["ftrace_tracing_start"] = "FTRACE_1.1",
            ["ftrace_tracing_stop"] = "FTRACE_1.1",
            ["ftrace_tracing_on"] = "FTRACE_1.1",
            ["ftrace_tracing_off"] = "FTRACE_1.1",
            ["ftrace_tracing_set_filter"] = "FTRACE_1.1",
            ["ftrace_tracing_set_notrace"] = "FTRACE_1.1",
            ["ftrace_tracing_set_depth"] = "FTRACE_1.1",
            ["ftrace_tracing_set_min_time"] = "FTRACE_1.1",
            ["ftrace_tracing_thread"] = "FTRACE_1.1",
            ["ftrace_tracing_get_status"] = "FTRACE_1.1",
            ["ftrace_snapshot"] = "FTRACE_1.1",
            ["ftrace_tracing_set_trigger"] = "FTRACE_1.1",
            ["ftrace_write_mark"] = "FTRACE_1.1",
            ["ftrace_write_printk"] = "FTRACE_1.1",
            ["ftrace_agent_start"] = "FTRACE_1.1",
        },
        Types = new Dictionary<string, Type>
        {
            ["ftrace_nmi_thread"] = typeof(NmiThread),
            ["ftrace_patch"] = typeof(FtracePatch),
            ["ftrace_method"] = typeof(FtraceMethod),
            ["ftrace_writer"] = typeof(FtraceWriter),
            ["ftrace_patch_opts"] = typeof(FtracePatchOpts),
            ["ftrace_stats"] = typeof(FtraceStats),
            ["ftrace_ops"] = typeof(FtraceOps),
            ["ftrace_regs"] = typeof(FtraceRegs),
            ["ftrace_graph_ops"] = typeof(FtraceGraphOps),
            ["ftrace_graph_call"] = typeof(GraphCall),
            ["ftrace_site"] = typeof(FtraceSite),
            ["ftrace_symbol"] = typeof(FtraceSymbol),
            ["ftrace_static_key"] = typeof(FtraceStaticKey),
            ["ftrace_static_key_true"] = typeof(FtraceTypedStaticKey),
            ["ftrace_static_key_false"] = typeof(FtraceTypedStaticKey),
            ["ftrace_static_call_key"] = typeof(FtraceStaticCallKey),
            ["ftrace_mark_key"] = typeof(MarkKey),
            ["ftrace_tracing_opts"] = typeof(TracingOptions),
            ["ftrace_tracing_status"] = typeof(TracingStatus),
        },
        Macros = new Dictionary<string, (string, long)>
        {
            ["FTRACE_INSN_SIZE"] = ($"{nameof(X86Instruction)}.{nameof(X86Instruction.CallSize)}", X86Instruction.CallSize),
            ["FTRACE_OPS_FL_NO_VECTORS"] = ($"{nameof(FtraceOps)}.{nameof(FtraceOps.NoVectors)}", (long)FtraceOps.NoVectors),
            ["FTRACE_OPS_FL_SAVE_REGS"] = ($"{nameof(FtraceOps)}.{nameof(FtraceOps.SaveRegs)}", (long)FtraceOps.SaveRegs),
            ["FTRACE_OPS_FL_SKIP_FOREIGN"] = ($"{nameof(FtraceOps)}.{nameof(FtraceOps.SkipForeign)}", (long)FtraceOps.SkipForeign),
            ["FTRACE_OPS_FL_PENDING"] = ($"{nameof(FtraceOps)}.{nameof(FtraceOps.Pending)}", (long)FtraceOps.Pending),
            ["FTRACE_OPS_FL_IPMODIFY"] = ($"{nameof(FtraceOps)}.{nameof(FtraceOps.IpModify)}", (long)FtraceOps.IpModify),
            ["FTRACE_SITES_ENABLED"] = ($"{nameof(SiteExports)}.{nameof(SiteExports.EnabledOnly)}", SiteExports.EnabledOnly),
            ["FTRACE_TRACING_STATE_RUNNING"] = ($"{nameof(TracingStatus)}.{nameof(TracingStatus.Running)}", TracingStatus.Running),
            ["FTRACE_TRACING_STATE_ON"] = ($"{nameof(TracingStatus)}.{nameof(TracingStatus.On)}", TracingStatus.On),
            ["FTRACE_TRACING_STATE_STREAMS"] = ($"{nameof(TracingStatus)}.{nameof(TracingStatus.Streams)}", TracingStatus.Streams),
            ["FTRACE_GRAPH_TAIL"] = (OfNativeFile, 1),
            ["FTRACE_GRAPH_UNWOUND"] = (OfNativeFile, 2),
            ["FTRACE_STACK_SIGNAL"] = (OfNativeFile, 1),
            ["FTRACE_STACK_STOP"] = (OfNativeFile, 2),
            ["FTRACE_STACK_BREAKPOINT"] = (OfNativeFile, 3),
            ["FTRACE_STACK_BRACKET"] = (OfNativeFile, 4),
            ["FTRACE_STACK_CALL"] = (OfNativeFile, 5),
            ["FTRACE_STACK_CALL_VECTORS"] = (OfNativeFile, 6),
            ["FTRACE_STACK_OWN"] = (OfNativeFile, 640),
            ["FTRACE_MARK_MAX"] = (OfNativeFile, 1024),
            ["FTRACE_TRACING_STREAM"] = ($"{nameof(TracingOptions)}.{nameof(TracingOptions.Stream)}", TracingOptions.Stream),
            ["FTRACE_TRACING_FUNCTION"] = ($"{nameof(TracingOptions)}.{nameof(TracingOptions.Function)}", TracingOptions.Function),
            ["FTRACE_TRACING_OFF"] = ($"{nameof(TracingOptions)}.{nameof(TracingOptions.Off)}", TracingOptions.Off),
            ["FTRACE_TRACING_NO_CHILDREN"] = ($"{nameof(TracingOptions)}.{nameof(TracingOptions.NoChildren)}", TracingOptions.NoChildren),
            ["FTRACE_TRACING_SAMPLE"] = ($"{nameof(TracingOptions)}.{nameof(TracingOptions.Sample)}", TracingOptions.Sample),
            ["FTRACE_VERSION_MAJOR"] = (OwnVersion, s_version.Major),
            ["FTRACE_VERSION_MINOR"] = (OwnVersion, s_version.Minor),
            ["FTRACE_VERSION_PATCH"] = (OwnVersion, s_version.Build),
        },
        NativeFunctions = new Dictionary<string, string>
        {
            ["ftrace_version"] = "may be called from any context, and the string is the compiler's",
            ["ftrace_strerror"] = "may be called from any context, before the constructor too, and the strings are the compiler's",
            ["ftrace_stack_size"] = "may be called from any context, before the constructor too",
            ["ftrace_site_data"] = "runs in the handler of a traced function, so it calls C# through a plain pointer",
            ["ftrace_graph_ret_addr"] = "may be called from any context, so it is the native file's own",
            ["ftrace_graph_unwind_table"] = "may be called from any context, so it is the native file's own",
            ["ftrace_agent_start"] = "may be called on a borrowed thread, which is not to be attached to the runtime: the native file's own",
            ["ftrace_write_mark"] = "may be called from any context, so it is the native file's own",
            ["ftrace_write_printk"] = "takes any arguments, so it is the native file's own",
            ["ftrace_nmi_enter"] = "the inline body of the header, for those who find it with dlsym()",
            ["ftrace_nmi_exit"] = "the inline body of the header, for those who find it with dlsym()",
            ["ftrace_nmi_enter_slow"] = "runs in a handler, so it calls C# through a plain pointer",
            ["ftrace_just_return"] = "code that handlers take the address of",
            ["ftrace_stub"] = "what a program names to have nothing called",
            ["ftrace_nmi_exit_slow"] = "runs in a handler, so it calls C# through a plain pointer",
        },
        OtherEntryPoints = new Dictionary<string, string>
        {
            ["thread_startup"] = "called by the native file's constructor, not by a program",
            ["thread_agent_look"] = "called by the library's own thread, not by a program",
            ["thread_agent_look_again"] = "called by the library's own thread, not by a program",
            ["thread_agent_reclaim"] = "called by the library's own thread, not by a program",
            ["thread_ftrace_record_child"] = "called by the recorder's own thread, not by a program",
            ["thread_ftrace_record_mask"] = "called by threads of the library, not by a program",
            ["thread_ftrace_record_request"] = "called by the thread of a connection, not by a program",
            ["thread_ftrace_record_start"] = "called by the constructor, and the thread of a connection, not by a program",
            ["thread_ftrace_record_stop"] = "called by the thread of a connection, not by a program",
            ["thread_control_work"] = "called by the recorder's own thread, not by a program",
            ["thread_keeper_work"] = "called by the recorder's own thread, not by a program",
            ["thread_attach"] = "called by the native file at a thread's first call, not by a program",
        },
        Fields = new Dictionary<string, FieldRule>
        {
            ["ftrace_nmi_thread.reserved"] = new(
                [
                    nameof(NmiThread.StopPending), nameof(NmiThread.Busy), nameof(NmiThread.Attached), nameof(NmiThread.Held), nameof(NmiThread.Unblocked),
                    nameof(NmiThread.Tracer), nameof(NmiThread.AnnouncedAt),
                ], null, "programs need not know what the words are for"),
            ["ftrace_mark_key.key"] = new(
                [nameof(MarkKey.Key)], typeof(FtraceStaticKey), "its type says how the compiler lays branches out"),
            ["ftrace_patch_opts.method"] = new(
                [nameof(FtracePatchOpts.Method)], typeof(FtraceMethod), "an int in C, so that values of later versions can be passed and refused"),
            ["ftrace_patch_opts.writer"] = new(
                [nameof(FtracePatchOpts.Writer)], typeof(FtraceWriter), "an int in C, likewise"),
        },
    };
}
