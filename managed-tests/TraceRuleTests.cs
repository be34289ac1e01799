using System.Text;
using Ftrace.Trace;
using NUnit.Framework;

namespace Ftrace.Tests;

/// <summary>Patterns taken apart: name, file, and which of a function's names it is about.</summary>
public sealed unsafe class TraceRuleTests
{
    [TestCase("f", "Symbol f")]
    [TestCase("!f", "! Symbol f")]
    [TestCase("f:mod:lib*", "Symbol f mod lib*")]
    [TestCase("f:mod:lib::x", "Symbol f mod lib::x")]
    [TestCase("f:mod:lib(x)", "Symbol f mod lib(x)")]
    [TestCase("f:mod:", null)]
    [TestCase(":mod:lib", null)]
    [TestCase("f:mod:[", null)]
    [TestCase("", null)]
    [TestCase("!", null)]
    [TestCase("ns::f", "WithoutParameters ns::f")]
    [TestCase("!ns::f", "! WithoutParameters ns::f")]
    [TestCase("::f", "WithoutParameters f")]
    [TestCase("!::f:mod:lib", "! WithoutParameters f mod lib")]
    [TestCase("::", null)]
    [TestCase("::mod::f", "WithoutParameters mod::f")]
    [TestCase("ns::mod::f", "WithoutParameters ns::mod::f")]
    [TestCase("ns::mod::f:mod:lib", "WithoutParameters ns::mod::f mod lib")]
    [TestCase("mod::mod::mod:mod:mod", "WithoutParameters mod::mod::mod mod mod")]
    [TestCase("f(int)", "Any f(int)")]
    [TestCase("ns::f(*:mod:lib", "Any ns::f(* mod lib")]
    [TestCase("f() noexcept", "Any f()")]
    [TestCase("C::f() const noexcept:mod:lib", "Any C::f() const mod lib")]
    [TestCase("C::f noexcept", "WithoutParameters C::f noexcept")]
    [TestCase("C::f[abi:cxx11]", "WithoutParameters C::f[abi:cxx11]")]
    [TestCase("operator()", "Any operator()")]
    [TestCase("C::operator[]", "WithoutParameters C::operator[]")]
    [TestCase("operator[]", null)]
    [TestCase("C::operator[", null)]
    public void Table(string pattern, string? expected)
    {
        byte[] text = Encoding.Latin1.GetBytes(pattern);
        fixed (byte* start = text.Length == 0 ? new byte[1] : text)
        {
            var rule = new TraceRule();
            bool valid = rule.TryParse(start, text.Length);
            string file = rule.FileLength == 0 ? "" : " mod " + Encoding.Latin1.GetString(rule.File, rule.FileLength);
            string found = (rule.Negated ? "! " : "") + rule.Form + " " + Encoding.Latin1.GetString(rule.Name, rule.NameLength) + file;
            Assert.That(valid ? found : null, Is.EqualTo(expected));
        }
    }
}
