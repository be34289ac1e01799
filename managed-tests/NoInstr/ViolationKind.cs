namespace Ftrace.Tests.NoInstr;

/// <summary>What code of the data plane must not do.</summary>
internal enum ViolationKind
{
    Allocation,
    GcPoll,
    GcStatic,
    ThreadStatic,
    StaticConstructor,
    MemoryHelper,
    Transition,
    Throw,
    Lock,
    ManagedObject,
    SecurityCookie,
    IndirectCall,
    UnmarkedCall,
    UnmarkedAddress,
    MiddleOfMethod,
    UnknownData,
    BadCode,
}
