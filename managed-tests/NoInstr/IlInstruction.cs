using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;

namespace Ftrace.Tests.NoInstr;

/// <summary>An instruction of a method as the C# compiler left it. Source: ECMA-335, partition III.</summary>
/// <param name="OpCode">What it does.</param>
/// <param name="Member">The method, field or type it names, if any.</param>
internal readonly record struct IlInstruction(OpCode OpCode, MemberInfo? Member)
{
    private static readonly Dictionary<short, OpCode> s_opCodes =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(opCode => opCode.Value);

    /// <summary>The code of a method; nothing if it has none.</summary>
    public static IEnumerable<IlInstruction> Of(MethodBase method)
    {
        byte[] il = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        int at = 0;
        while (at < il.Length)
        {
            short value = il[at] == 0xfe ? (short)(0xfe00 | il[at + 1]) : il[at];
            OpCode opCode = s_opCodes[value];
            at += opCode.Size;
            MemberInfo? member = opCode.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok
                ? method.Module.ResolveMember(System.BitConverter.ToInt32(il, at), TypeArguments(method), MethodArguments(method))
                : null;
            yield return new IlInstruction(opCode, member);
            at += OperandSize(opCode, il, at);
        }
    }

    private static System.Type[]? TypeArguments(MethodBase method) =>
        method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;

    private static System.Type[]? MethodArguments(MethodBase method) => method.IsGenericMethod ? method.GetGenericArguments() : null;

    private static int OperandSize(OpCode opCode, byte[] il, int at) => opCode.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + 4 * System.BitConverter.ToInt32(il, at),
        _ => 4,
    };
}
