namespace Ftrace.Text;

/// <summary>What the stubs of an area are for.</summary>
internal enum StubKind
{
    /// <summary>Calls at the entries of traced functions: a stub for each slot.</summary>
    Trace,

    /// <summary>Jumps of <c>ftrace_make_call_redzone()</c>: a stub for each site, of whatever object.</summary>
    RedZone,

    /// <summary>Jumps at the entries of functions whose exits are traced: a stub for each site of an object.</summary>
    Graph,

    /// <summary>The jump in the loader, if the library is out of its reach: all stubs are the same.</summary>
    Loader,
}
