using System;

namespace Ftrace;

/// <summary>
/// Marks the data plane: code that may run in a signal handler at any moment, on a parked thread, or
/// while handlers wait for it. Named after the kernel's <c>noinstr</c>.
/// </summary>
/// <remarks>
/// Such a method allocates nothing, throws nothing, takes no lock, accesses no GC reference and
/// no static that needs a constructor, makes no virtual call and no P/Invoke, and calls only
/// methods that are marked, or native functions through a pointer from <see cref="Linux.NativeTable"/>.
/// </remarks>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Property | AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
internal sealed class NoInstrAttribute : Attribute;
