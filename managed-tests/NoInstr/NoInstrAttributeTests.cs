using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>
/// The data plane as it is written. The machine code shows what it became; this shows what only happens to be
/// right, because the compiler inlined it or threw it away.
/// </summary>
[Category("noinstr")]
public sealed class NoInstrAttributeTests
{
    private static readonly Assembly s_library = typeof(NoInstrAttribute).Assembly;
    private static readonly MarkedMethods s_marked = new(s_library);

    private static readonly HashSet<OpCode> s_forbidden =
    [
        OpCodes.Newarr, OpCodes.Box, OpCodes.Unbox, OpCodes.Unbox_Any, OpCodes.Castclass, OpCodes.Isinst,
        OpCodes.Callvirt, OpCodes.Ldvirtftn, OpCodes.Throw, OpCodes.Rethrow, OpCodes.Ldstr, OpCodes.Ldtoken,
    ];

    private static IEnumerable<TestCaseData> Methods =>
        s_marked.Methods.Select(method => new TestCaseData(method).SetArgDisplayNames($"{method.DeclaringType!.Name}.{method.Name}({method.GetParameters().Length})"));

    [Test]
    public void ThereAreMarkedMethods() => Assert.That(s_marked.Methods.Count(), Is.GreaterThan(20));

    [TestCaseSource(nameof(Methods))]
    public void MarkedMethodHoldsNoReference(MethodBase method)
    {
        MethodBody? body = method.GetMethodBody();
        Assert.That(body, Is.Not.Null, "a P/Invoke");
        IEnumerable<Type> types =
            [.. body!.LocalVariables.Select(local => local.LocalType), .. method.GetParameters().Select(parameter => parameter.ParameterType)];

        Assert.That(types.Where(HoldsReference), Is.Empty);
        Assert.That(method.IsStatic || method.DeclaringType!.IsValueType, "an instance method of a class");
    }

    [TestCaseSource(nameof(Methods))]
    public void MarkedMethodCatchesNothing(MethodBase method) =>
        Assert.That(method.GetMethodBody()?.ExceptionHandlingClauses ?? [], Is.Empty);

    [TestCaseSource(nameof(Methods))]
    public void MarkedMethodCallsOnlyMarkedOnes(MethodBase method)
    {
        foreach (IlInstruction instruction in IlInstruction.Of(method))
        {
            Assert.That(s_forbidden.Contains(instruction.OpCode), Is.False, $"{instruction.OpCode} {instruction.Member}");
            switch (instruction.Member)
            {
                case MethodBase callee when callee.Module.Assembly == s_library:
                    // A static abstract one is the machine's, which is marked.
                    Assert.That(s_marked.Contains(callee) || callee is { IsStatic: true, IsAbstract: true }, $"{callee.DeclaringType}.{callee.Name} is not marked");
                    Assert.That(callee.Attributes.HasFlag(MethodAttributes.PinvokeImpl), Is.False, $"{callee.Name} is a P/Invoke");
                    break;

                case FieldInfo { IsStatic: true, IsLiteral: false } field:
                    Assert.That(HoldsReference(field.FieldType), Is.False, $"{field.Name} is or holds a GC reference");
                    Assert.That(field.IsDefined(typeof(ThreadStaticAttribute)), Is.False, $"{field.Name} is a thread static");
                    break;
            }
        }
    }

    /// <summary>A function pointer to a method of the library is for the native file, the kernel, or the data plane.</summary>
    [Test]
    public void MethodWhosePointerIsTakenIsMarked()
    {
        var taken = new List<MethodBase>();
        foreach (MethodBase method in s_library.GetTypes().SelectMany(SymbolNames.DeclaredMethods))
        {
            IlInstruction[] code = [.. IlInstruction.Of(method)];
            for (int i = 0; i < code.Length; i++)
            {
                // With newobj after it, it makes a delegate.
                bool isPointer = code[i].OpCode == OpCodes.Ldftn && !(i + 1 < code.Length && code[i + 1].OpCode == OpCodes.Newobj);
                if (isPointer && code[i].Member is MethodBase target && target.Module.Assembly == s_library)
                {
                    taken.Add(target);
                }
            }
        }

        Assert.That(taken, Is.Not.Empty);
        Assert.That(taken.Where(target => !s_marked.Contains(target) && !IsEntry(target)).Select(target => $"{target.DeclaringType}.{target.Name}"), Is.Empty);
    }

    /// <summary>A callback of the control plane: the C library calls it, and the runtime is entered and left.</summary>
    private static bool IsEntry(MethodBase method) => method.IsDefined(typeof(UnmanagedCallersOnlyAttribute));

    /// <summary>A pointer or a by-reference is not one to the collector, or not to the heap.</summary>
    private static bool HoldsReference(Type type)
    {
        if (type.IsPointer || type.IsFunctionPointer || type.IsUnmanagedFunctionPointer || type.IsPrimitive || type.IsEnum)
        {
            return false;
        }

        if (type.IsByRef)
        {
            return HoldsReference(type.GetElementType()!);
        }

        return !type.IsValueType ||
            type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Any(field => HoldsReference(field.FieldType));
    }
}
