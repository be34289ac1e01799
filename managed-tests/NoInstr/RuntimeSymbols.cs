using System.Text.RegularExpressions;

namespace Ftrace.Tests.NoInstr;

/// <summary>Names of the runtime and the compiler, and what it means that code refers to them.</summary>
internal static class RuntimeSymbols
{
    // The first that fits counts.
    private static readonly (Regex Name, ViolationKind Kind, string Meaning)[] s_all =
    [
        Entry("^(RhpNew|RhNew|RhAllocate|RhpGcAlloc|__allocate)", ViolationKind.Allocation, "allocates on the managed heap"),
        Entry("^(RhpTrapThreads|RhpGcPoll|RhpWaitForGC)", ViolationKind.GcPoll, "a GC poll: the compiler adds one to every P/Invoke without a transition"),
        Entry("^(tls_|__tls_get_addr$|__THREADSTATIC|__GetThreadStaticBase|RhpGetThread|.*_Runtime_ThreadStatics__)", ViolationKind.ThreadStatic, "a thread static: allocated when a thread first uses it"),
        Entry("^(__GetNonGCStaticBase|.*ClassConstructorRunner|.*___cctor$)", ViolationKind.StaticConstructor, "runs a static constructor, under a lock, if it has not run yet"),
        Entry("^(__GCSTATICS|__GetGCStaticBase)", ViolationKind.GcStatic, "a static that holds a GC reference"),
        Entry("^(memcpy|memmove|memset|RhBulkMove|.*SpanHelpers__(Memmove|Fill|Clear)|.*System_Buffer__)", ViolationKind.MemoryHelper, "copies or fills memory in a function that may be patched, or of the runtime: the struct is too large"),
        Entry("^(RhpPInvoke|__pinvoke_|.*InteropHelpers__)", ViolationKind.Transition, "a P/Invoke: leaves managed mode, and looks its target up when it is first called"),
        Entry("^RhpReversePInvoke", ViolationKind.Transition, "enters managed mode, which aborts if the thread is in it already"),
        Entry("^(RhpThrow|RhpRethrow|RhThrow|.*ThrowHelpers?__|.*Exception___ctor)", ViolationKind.Throw, "throws"),
        Entry("^(.*Threading_(Monitor|Lock|WaitHandle)__|RhpMonitor)", ViolationKind.Lock, "takes a lock of the runtime"),
        Entry("^(RhpAssignRef|RhpCheckedAssignRef|RhpByRefAssignRef)", ViolationKind.ManagedObject, "stores a GC reference"),
        Entry("^(_ZTV|__typehandle|__FrozenObj|.*TypeCast__)", ViolationKind.ManagedObject, "a managed object or its type"),
        Entry("^__Str_", ViolationKind.ManagedObject, "a string"),
        Entry("^(__security_cookie|RhpFallbackFailFast)", ViolationKind.SecurityCookie, "a check of the stack: the method has a stackalloc or a fixed buffer, and aborts in the runtime if it fails"),
        Entry("^(RhpInitialDynamicInterfaceDispatch|RhpResolveInterface|__InterfaceDispatchCell|RhpCidResolve)", ViolationKind.IndirectCall, "a call of an interface's method"),
    ];

    /// <summary>Null if the name is none of the runtime's.</summary>
    public static (ViolationKind Kind, string Meaning)? Explain(string symbol)
    {
        foreach ((Regex name, ViolationKind kind, string meaning) in s_all)
        {
            if (name.IsMatch(symbol))
            {
                return (kind, meaning);
            }
        }

        return null;
    }

    private static (Regex Name, ViolationKind Kind, string Meaning) Entry(string name, ViolationKind kind, string meaning) =>
        (new Regex(name, RegexOptions.CultureInvariant), kind, meaning);
}
