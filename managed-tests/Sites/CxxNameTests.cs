using System;
using System.Text;
using Ftrace.Names;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>The parts of names, as libstdc++ and libc++abi write them.</summary>
public sealed class CxxNameTests
{
    [TestCase("f(int)", "f", "f(int)")]
    [TestCase("ns::f()", "ns::f", "ns::f()")]
    [TestCase("ns::C::f(int) const", "ns::C::f", "ns::C::f(int) const")]
    [TestCase("ns::C::f() const volatile", "ns::C::f", "ns::C::f() const volatile")]
    [TestCase("ns::C::f() &", "ns::C::f", "ns::C::f() &")]
    [TestCase("ns::C::f() const &&", "ns::C::f", "ns::C::f() const &&")]
    [TestCase("f(int) [clone .isra.0]", "f", "f(int) [clone .isra.0]")]
    [TestCase("C::f(int) const [clone .part.0] [clone .constprop.0]", "C::f", "C::f(int) const [clone .part.0] [clone .constprop.0]")]
    [TestCase("C::f(int) const (.cold)", "C::f", "C::f(int) const (.cold)")]
    [TestCase("S<int (...)>::f(int)", "S<int (...)>::f", "S<int (...)>::f(int)")]
    [TestCase("int f<int (...)>(int) const (.cold)", "f<int (...)>", "f<int (...)>(int) const (.cold)")]
    [TestCase("f(int (*)(char, long))", "f", "f(int (*)(char, long))")]
    [TestCase("f(void (C::*)() const)", "f", "f(void (C::*)() const)")]
    [TestCase("(anonymous namespace)::f(int)", "(anonymous namespace)::f", "(anonymous namespace)::f(int)")]
    [TestCase("int (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f<int>", "(anonymous namespace)::f<int>(int)")]
    [TestCase("unsigned long ns::f<int>(int)", "ns::f<int>", "ns::f<int>(int)")]
    [TestCase("int const& ns::f<int, char>(int, char)", "ns::f<int, char>", "ns::f<int, char>(int, char)")]
    [TestCase("char const* ns::f<a b>(int)", "ns::f<a b>", "ns::f<a b>(int)")]
    [TestCase("std::map<int, long, std::less<int> >& f<int>(int)", "f<int>", "f<int>(int)")]
    [TestCase("decltype ((fp#1)->x) ns::f<A>(A)", "ns::f<A>", "ns::f<A>(A)")]
    [TestCase("void f<(E)1>()", "f<(E)1>", "f<(E)1>()")]
    [TestCase("void f<((1)>(2))>(int)", "f<((1)>(2))>", "f<((1)>(2))>(int)")]
    [TestCase("ns::C::operator()(int) const", "ns::C::operator()", "ns::C::operator()(int) const")]
    [TestCase("ns::C::operator()()", "ns::C::operator()", "ns::C::operator()()")]
    [TestCase("void ns::C::operator()<int>(int)", "ns::C::operator()<int>", "ns::C::operator()<int>(int)")]
    [TestCase("C::operator[](int)", "C::operator[]", "C::operator[](int)")]
    [TestCase("C::operator unsigned long() const", "C::operator unsigned long", "C::operator unsigned long() const")]
    [TestCase("C::operator std::vector<int>()", "C::operator std::vector<int>", "C::operator std::vector<int>()")]
    [TestCase("operator new(unsigned long)", "operator new", "operator new(unsigned long)")]
    [TestCase("operator delete[](void*)", "operator delete[]", "operator delete[](void*)")]
    [TestCase("operator<(A const&, A const&)", "operator<", "operator<(A const&, A const&)")]
    [TestCase("bool operator< <int>(A<int>, A<int>)", "operator< <int>", "operator< <int>(A<int>, A<int>)")]
    [TestCase("std::ostream& std::operator<< <int>(int)", "std::operator<< <int>", "std::operator<< <int>(int)")]
    [TestCase("C::operator->() const", "C::operator->", "C::operator->() const")]
    [TestCase("C::operator->*(int)", "C::operator->*", "C::operator->*(int)")]
    [TestCase("void f<&A::operator> >(int)", "f<&A::operator> >", "f<&A::operator> >(int)")]
    [TestCase("void f<&A::operator<=>>(int)", "f<&A::operator<=>>", "f<&A::operator<=>>(int)")]
    [TestCase("int f<&A::operator-><char> >(int)", "f<&A::operator-><char> >", "f<&A::operator-><char> >(int)")]
    [TestCase("my_operator::f(int)", "my_operator::f", "my_operator::f(int)")]
    [TestCase("int operators::f<int>(int)", "operators::f<int>", "operators::f<int>(int)")]
    [TestCase("ns::f(int)::{lambda(int)#1}::operator()(int) const", "ns::f(int)::{lambda(int)#1}::operator()", "ns::f(int)::{lambda(int)#1}::operator()(int) const")]
    [TestCase("C::f() const::{lambda()#1}::operator()() const", "C::f() const::{lambda()#1}::operator()", "C::f() const::{lambda()#1}::operator()() const")]
    [TestCase("main::'lambda'(int)::operator()(int) const", "main::'lambda'(int)::operator()", "main::'lambda'(int)::operator()(int) const")]
    [TestCase("ns::f[abi:cxx11](int)", "ns::f[abi:cxx11]", "ns::f[abi:cxx11](int)")]
    [TestCase("C::~C()", "C::~C", "C::~C()")]
    [TestCase("constant::f(int)", "constant::f", "constant::f(int)")]
    [TestCase("main", "main", "main")]
    [TestCase("", "", "")]
    [TestCase("(", "(", "(")]
    [TestCase(")", ")", ")")]
    [TestCase("f)", "f)", "f)")]
    [TestCase(" const", " const", " const")]
    public void Parts(string all, string withoutParameters, string withoutResult)
    {
        var name = new CxxName(Encoding.Latin1.GetBytes(all), isPlain: true);
        Assert.That(Encoding.Latin1.GetString(name.WithoutParameters), Is.EqualTo(withoutParameters));
        Assert.That(Encoding.Latin1.GetString(name.WithoutResult), Is.EqualTo(withoutResult));
        Assert.That(Encoding.Latin1.GetString(name.All), Is.EqualTo(all));
    }

    [TestCase("ns::C::f(int) const", "ns::C::f(int)")]
    [TestCase("ns::C::f() const volatile &&", "ns::C::f()")]
    [TestCase("int f<A>(A) &", "f<A>(A)")]
    [TestCase("f(int) const [clone .isra.0]", "f(int) const [clone .isra.0]")]
    [TestCase("f(int) (.cold)", "f(int) (.cold)")]
    [TestCase("main", "main")]
    [TestCase(" const", " const")]
    public void QualifiersAreLeftOut(string all, string expected)
    {
        var name = new CxxName(Encoding.Latin1.GetBytes(all), isPlain: true);
        Assert.That(Encoding.Latin1.GetString(name.WithoutQualifiers), Is.EqualTo(expected));
    }

    [TestCase("shop::Item::name[abi:cxx11]() const", "shop::Item::name", "shop::Item::name", "shop::Item::name")]
    [TestCase("ns::f[abi:a][abi:b]<int>(int)", "ns::f<int>", "ns::f", "ns::f")]
    [TestCase("void shop::Cart<int>::each<void (*)(int)>(void (*)(int))", "shop::Cart<int>::each<void (*)(int)>", "shop::Cart<int>::each", "shop::Cart::each")]
    [TestCase("A<B<int> >::C<D>::f()", "A<B<int> >::C<D>::f", "A<B<int> >::C<D>::f", "A::C::f")]
    [TestCase("C<int>::operator()(int)", "C<int>::operator()", "C<int>::operator()", "C::operator()")]
    [TestCase("C<int>::operator[](int)", "C<int>::operator[]", "C<int>::operator[]", "C::operator[]")]
    [TestCase("C<int>::operator->() const", "C<int>::operator->", "C<int>::operator->", "C::operator->")]
    [TestCase("bool operator< <int>(A<int>, A<int>)", "operator< <int>", "operator<", "operator<")]
    [TestCase("std::ostream& ns::operator<< <int>(int)", "ns::operator<< <int>", "ns::operator<<", "ns::operator<<")]
    [TestCase("void C<&A::operator> >::f<&A::operator-><char> >(int)", "C<&A::operator> >::f<&A::operator-><char> >", "C<&A::operator> >::f", "C::f")]
    [TestCase("void f<((1)>(2))>(int)", "f<((1)>(2))>", "f", "f")]
    [TestCase("int (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f<int>", "(anonymous namespace)::f", "(anonymous namespace)::f")]
    [TestCase("C<int>::~C()", "C<int>::~C", "C<int>::~C", "C::~C")]
    [TestCase("f[abi:", "f[abi:", "f[abi:", "f[abi:")]
    [TestCase("f<<(int)", "f<<", "f", "f")]
    public void Omissions(string all, string tags, string lastArguments, string arguments)
    {
        byte[] text = Encoding.Latin1.GetBytes(all);
        var name = new CxxName(text, isPlain: true);
        string[] expected = [tags, lastArguments, arguments];
        Assert.That(name.HasOmissions, Is.True);
        for (CxxOmission omission = CxxOmission.Tags; omission <= CxxOmission.Arguments; omission++)
        {
            var shortened = new byte[text.Length];
            int length = name.Shorten(shortened, omission, out int parameters, out int end);
            string tail = Encoding.Latin1.GetString(name.WithoutResult[name.WithoutParameters.Length..]);
            Assert.That(Encoding.Latin1.GetString(shortened, 0, parameters), Is.EqualTo(expected[(int)omission]));
            Assert.That(Encoding.Latin1.GetString(shortened, parameters, length - parameters), Is.EqualTo(tail));
            Assert.That(end, Is.InRange(parameters, length));
        }
    }

    [TestCase(15, "C::f", "C::f(int)", "C::f(int) const")]
    [TestCase(14, "C::f", "C::f", "C::f")]
    [TestCase(4, "C::f", "C::f", "C::f")]
    [TestCase(3, "", "", "")]
    [TestCase(0, "", "", "")]
    public void WhatDoesNotFitIsLeftOut(int room, string name, string withoutQualifiers, string all)
    {
        var text = new byte[room];
        int length = new CxxName("void C<int>::f<long>(int) const"u8, isPlain: true).Shorten(text, CxxOmission.Arguments, out int parameters, out int end);
        Assert.That(Encoding.Latin1.GetString(text, 0, parameters), Is.EqualTo(name));
        Assert.That(Encoding.Latin1.GetString(text, 0, end), Is.EqualTo(withoutQualifiers));
        Assert.That(Encoding.Latin1.GetString(text, 0, length), Is.EqualTo(all));
    }

    /// <summary>Nothing that a demangler may ever write makes it read beyond the name: the parts lie in it.</summary>
    [Test]
    public void AnythingHasParts()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        string[] words = ["operator", "<", "[abi:", ">", "(", ")", "[", "]", "{", "}", " ", " const", " &", "&&", " [clone ", " (.", "->", "*", "::", "f", "o", "anonymous namespace", "=", ","];
        for (int i = 0; i < 300_000; i++)
        {
            var text = new StringBuilder();
            for (int count = random.Next(12); count > 0; count--)
            {
                text.Append(words[random.Next(words.Length)]);
            }

            string all = text.ToString();
            var name = new CxxName(Encoding.Latin1.GetBytes(all), isPlain: true);
            string parts = Encoding.Latin1.GetString(name.WithoutParameters);
            Assert.That(all, Does.Contain(parts), $"seed {seed}");
            Assert.That(all, Does.EndWith(Encoding.Latin1.GetString(name.WithoutResult)), $"seed {seed}");
            for (CxxOmission omission = CxxOmission.Tags; omission <= CxxOmission.Arguments; omission++)
            {
                int length = name.Shorten(new byte[name.WithoutResult.Length], omission, out int parameters, out int end);
                Assert.That(parameters <= end && end <= length && length <= name.WithoutResult.Length, Is.True, $"seed {seed}");
            }
        }
    }

    [Test]
    public void WhatIsMadeForAFunctionIsNotTheFunction()
    {
        var name = new CxxName("non-virtual thunk to ns::C::f(int)"u8, isPlain: false);
        Assert.That(Encoding.Latin1.GetString(name.WithoutParameters), Is.EqualTo("non-virtual thunk to ns::C::f"));
        Assert.That(Encoding.Latin1.GetString(name.WithoutResult), Is.EqualTo("non-virtual thunk to ns::C::f(int)"));
    }
}
