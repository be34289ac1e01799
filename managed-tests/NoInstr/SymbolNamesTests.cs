using System.Linq;
using System.Reflection;
using Ftrace.Nmi;
using Ftrace.Protocol;
using Ftrace.Stop;
using NUnit.Framework;

namespace Ftrace.Tests.NoInstr;

/// <summary>The names that the compiler gives.</summary>
[Category("noinstr")]
public sealed class SymbolNamesTests
{
    [Test]
    public void NamesAreTheCompilers()
    {
        Assert.That(SymbolNames.Of(typeof(StopHandler)), Is.EqualTo("libftrace_Ftrace_Stop_StopHandler"));
        Assert.That(SymbolNames.Of(typeof(NmiProtocol<>)), Is.EqualTo("libftrace_Ftrace_Protocol_NmiProtocol_1"));
        Assert.That(SymbolNames.Of(typeof(object)), Is.EqualTo("S_P_CoreLib_System_Object"));
        Assert.That(SymbolNames.Of(typeof(StopHandler).GetMethod("OnSignal")!), Is.EqualTo("libftrace_Ftrace_Stop_StopHandler__OnSignal"));
    }

    [Test]
    public void OverloadsAreNumbered()
    {
        MethodBase[] reads = [.. SymbolNames.DeclaredMethods(typeof(X86Machine)).Where(method => method.Name == "Read")];
        Assert.That(reads.Select(SymbolNames.Of), Is.EqualTo(new[] { "libftrace_Ftrace_Nmi_X86Machine__Read", "libftrace_Ftrace_Nmi_X86Machine__Read_0" }));
    }

    [TestCase("plain__Method", "plain__Method")]
    [TestCase("lib_Type_1<lib_A>__Method", "lib_Type_1__Method")]
    [TestCase("lib_Type_2<lib_A__lib_B_1<lib_C>>__Method<Int32>", "lib_Type_2__Method")]
    [TestCase("odd>name", "odd>name")]
    public void TypeArgumentsAreTakenOff(string symbol, string definition) => Assert.That(SymbolNames.Definition(symbol), Is.EqualTo(definition));
}
