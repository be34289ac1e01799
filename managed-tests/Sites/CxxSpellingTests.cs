using System;
using System.Text;
using Ftrace.Names;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>C++ names and patterns in one spelling: what a demangler writes, and what people write.</summary>
public sealed class CxxSpellingTests
{
    private const string String = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";

    private static string Spell(string text, bool isPattern)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var to = new byte[bytes.Length];
        int length = CxxSpelling.Write(bytes, isPattern, to);
        string spelled = length == 0 ? text : Encoding.Latin1.GetString(to, 0, length);
        Assert.That(CxxSpelling.MayDiffer(bytes) || spelled == text, Is.True);
        return spelled;
    }

    [TestCase("f(int)", "f(int)")]
    [TestCase("f(" + String + " const&)", "f(std::string const&)")]
    [TestCase("f(const std::string &)", "f(std::string const&)")]
    [TestCase("f(std::basic_string<char>)", "f(std::string)")]
    [TestCase("f(std::__1::basic_string<wchar_t, std::__1::char_traits<wchar_t>, std::__1::allocator<wchar_t> >)", "f(std::wstring)")]
    [TestCase("f(std::basic_string_view<char16_t, std::char_traits<char16_t> >)", "f(std::u16string_view)")]
    [TestCase("f(std::basic_ostream<char, std::char_traits<char> >&)", "f(std::ostream&)")]
    [TestCase("f(std::basic_string<char, mine::traits, std::allocator<char> >)", "f(std::basic_string<char,mine::traits>)")]
    [TestCase("f(mystd::basic_string<char>)", "f(mystd::basic_string<char>)")]
    [TestCase("f(mine::basic_string<char>)", "f(mine::basic_string<char>)")]
    [TestCase("f(std::basic_string<unsigned char>)", "f(std::basic_string<unsigned char>)")]
    [TestCase("std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector<int>::push_back(int&&)")]
    [TestCase("std::vector<int, std::pmr::polymorphic_allocator<int> >", "std::vector<int,std::pmr::polymorphic_allocator<int>>")]
    [TestCase("std::vector<int, std::allocator<long> >", "std::vector<int,std::allocator<long>>")]
    [TestCase("std::set<int, std::less<void>, std::allocator<int> >", "std::set<int,std::less<void>>")]
    [TestCase("std::map<int, long, std::less<int>, std::allocator<std::pair<int const, long> > >", "std::map<int,long>")]
    [TestCase("std::map<int, long, std::greater<int>, std::allocator<std::pair<int const, long> > >", "std::map<int,long,std::greater<int>>")]
    [TestCase("std::map<K<int, 1>, long, std::less<K<int, 1> > >", "std::map<K<int,1>,long>")]
    [TestCase("std::pair<int, std::less<int> >::f", "std::pair<int>::f")]
    [TestCase("std::unordered_map<int, long, std::hash<int>, std::equal_to<int>, std::allocator<std::pair<int const, long> > >",
        "std::unordered_map<int,long>")]
    [TestCase("std::unique_ptr<int [], std::default_delete<int []> >", "std::unique_ptr<int []>")]
    [TestCase("std::allocator<int>::allocate(unsigned long)", "std::allocator<int>::allocate(unsigned long)")]
    [TestCase("f<std::allocator<int> >", "f<std::allocator<int>>")]
    [TestCase("std::vector<std::vector<" + String + ", std::allocator<" + String + " > > >", "std::vector<std::vector<std::string>>")]
    [TestCase("std::filesystem::__cxx11::path::path()", "std::filesystem::path::path()")]
    [TestCase("std::chrono::_V2::system_clock::now()", "std::chrono::system_clock::now()")]
    [TestCase("f(const char *const *)", "f(char const* const*)", "f(char const*const*)")]
    [TestCase("f(const unsigned long&, const A<int> *)", "f(unsigned long const&,A<int> const*)")]
    [TestCase("f(A<const int>, const int)", "f(A<int const>,int const)")]
    [TestCase("const char* f<int>(int)", "char const* f<int>(int)")]
    [TestCase("f(const int (*)[2])", null)]
    [TestCase("C::f(int) const &", "C::f(int) const&", "C::f(int) const &")]
    [TestCase("C::f(int) &&", "C::f(int) &&")]
    [TestCase("bool operator< <int>(A<int>, A<int>)", "bool operator< <int>(A<int>,A<int>)")]
    [TestCase("C::operator>(C const&) const", "C::operator>(C const&) const")]
    [TestCase("void f<&A::operator> >(int)", "void f<&A::operator> >(int)")]
    [TestCase("void f<((1)>(2))>(int, A<((1)<(2))>)", "void f<((1)>(2))>(int,A<((1)<(2))>)")]
    [TestCase("f(decltype ((fp)->x))", "f(decltype ((fp)->x))")]
    [TestCase("f(int) [clone .isra.0]", "f(int) [clone .isra.0]")]
    [TestCase("int (anonymous namespace)::f<int>(int)", "int (anonymous namespace)::f<int>(int)")]
    [TestCase("constant::f(constant)", "constant::f(constant)")]
    [TestCase("f<4ul>(std::array<int, 16ul>)", "f<4>(std::array<int,16>)")]
    [TestCase("f<-1l, 2u, 3ull, 4>()", "f<-1,2,3,4>()")]
    [TestCase("f<x4ul, 4ul::g, (4ul), 4ulx>()", "f<x4ul,4ul::g,(4ul),4ulx>()")]
    [TestCase("f<4ul", "f<4ul")]
    [TestCase("4ul>", "4ul>")]
    [TestCase("f(<", "f(<")]
    [TestCase("f> >", "f>>")]
    [TestCase("<>", "<>")]
    [TestCase("f(a, ", "f(a,")]
    [TestCase("", "")]
    public void Names(string text, string? expected, string? other = null) =>
        Assert.That(Spell(text, isPattern: false), Is.EqualTo(expected ?? text).Or.EqualTo(other ?? expected ?? text));

    [TestCase("f(int, *)", "f(int,*)")]
    [TestCase("std::vector<*", "std::vector<*")]
    [TestCase("f[ ab]( int )", "f[ ab](int)")]
    [TestCase("f\\[ \\ x", "f\\[ \\ x")]
    [TestCase("C::operator[](const int&)", "C::operator[](int const&)")]
    [TestCase("f[abi:cxx11](const A &)", "f[abi:cxx11](A const&)")]
    [TestCase("f\\", "f\\")]
    [TestCase("f[", "f[")]
    public void Patterns(string text, string expected) => Assert.That(Spell(text, isPattern: true), Is.EqualTo(expected));

    [Test]
    public void DeepNamesAreLeftAlone()
    {
        string deep = string.Concat(System.Linq.Enumerable.Repeat("a<", 100)) + "b" + string.Concat(System.Linq.Enumerable.Repeat(" >", 100));
        Assert.That(Spell(deep, isPattern: false), Is.EqualTo(deep));
    }

    /// <summary>Whatever a text looks like, it gets no longer: there is room for it.</summary>
    [Test]
    public void AnythingCanBeWritten()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        string[] words =
        [
            "const ", " const", " ", "<", ">", "(", ")", "[", "]", "{", "}", ",", "*", "&", "::", "__1::", "std::", "basic_", "string", "char", "allocator",
            "less", "pair", "operator", "\\", "f", "->", "wchar_t",
        ];
        for (int i = 0; i < 300_000; i++)
        {
            var text = new StringBuilder();
            for (int count = random.Next(14); count > 0; count--)
            {
                text.Append(words[random.Next(words.Length)]);
            }

            byte[] bytes = Encoding.Latin1.GetBytes(text.ToString());
            int length = CxxSpelling.Write(bytes, isPattern: random.Next(2) == 0, new byte[bytes.Length]);
            Assert.That(length, Is.LessThanOrEqualTo(bytes.Length), $"seed {seed}");
        }
    }

    [TestCase("ns::f", "ns")]
    [TestCase("n::func", "func")]
    [TestCase("n::func(int)", "func")]
    [TestCase("unsigned long ns::pick<int>(int)", "pick")]
    [TestCase("shop::Cart<long_name::inside>::f", "shop")]
    [TestCase("*::each", "each")]
    [TestCase("func(std::string const&)", "func")]
    [TestCase("n::fun*", "n")]
    [TestCase("n*::fun", "fun")]
    [TestCase("n::*fun", "n")]
    [TestCase("*fun", "")]
    [TestCase("n::?fun", "n")]
    [TestCase("n::\\fun", "n")]
    [TestCase("n::fo[ox]", "fo")]
    [TestCase("n::[fg]o", "n")]
    [TestCase("C::~Class()", "C")]
    [TestCase("C::operator long", "C")]
    [TestCase("C::operator()", "C")]
    [TestCase("C::operator std::wstring_view()", "C")]
    [TestCase("C::operator ns::longer()", "C")]
    [TestCase("decltype(x) f", "")]
    [TestCase("int f", "")]
    [TestCase("std::string::append", "append")]
    [TestCase("std::string::string", "")]
    [TestCase("std::basic_string<char>::append", "append")]
    [TestCase("std::allocator<int>::f", "f")]
    [TestCase("std::ostream::ostream()", "")]
    [TestCase("std::__cxx11::list::f", "list")]
    [TestCase("n::(anonymous namespace)::func", "func")]
    [TestCase("(anonymous namespace)::func", "func")]
    [TestCase("n::m\u00fcnchen", "n")]
    [TestCase("shop::total::{{closure}}", "total")]
    [TestCase("std::wstreambuf::eof", "eof")]
    [TestCase("usize::fmt", "fmt")]
    [TestCase("<i32 as shop::Price>::f", "f")]
    [TestCase("a::f::<fn() -> shop::Cart>::g", "a")]
    [TestCase("operator new(unsigned long)", "")]
    [TestCase("", "")]
    public void WordThatTheSymbolHas(string pattern, string expected)
    {
        int length = CxxPattern.FindWord(Encoding.Latin1.GetBytes(pattern), out int start);
        Assert.That(pattern.Substring(start, length), Is.EqualTo(expected));
    }

    [TestCase("f(char*)", "f(char*)", true)]
    [TestCase("f(char*)", "f(char**)", false)]
    [TestCase("f\\[abi:x](int)", "f[abi:x](int)", true)]
    [TestCase("f[abi:x](int)", "f[abi:x](int)", true)]
    [TestCase("f(int)", "f(int) const", false)]
    [TestCase("f(int)*", "f(int)", false)]
    [TestCase("f\\", "f\\", false)]
    [TestCase("", "", true)]
    public void Literals(string pattern, string text, bool expected) =>
        Assert.That(CxxPattern.IsLiteral(Encoding.Latin1.GetBytes(pattern), Encoding.Latin1.GetBytes(text)), Is.EqualTo(expected));
}
