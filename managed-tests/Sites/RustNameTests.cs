using System;
using System.Collections.Generic;
using System.Text;
using Ftrace.Names;
using NUnit.Framework;

namespace Ftrace.Tests.Sites;

/// <summary>Rust symbols, as rustc makes them, and the forms of their names that people write.</summary>
public sealed class RustNameTests
{
    private const string Hash = "17h49c8812b46b9d445E";

    private static string? Demangle(string symbol, int room = 8192)
    {
        var to = new byte[room];
        int length = RustDemangler.Write(Encoding.Latin1.GetBytes(symbol), to);
        return length == 0 ? null : Encoding.UTF8.GetString(to, 0, length);
    }

    [TestCase("_ZN4shop5total" + Hash, "shop::total")]
    [TestCase("_ZN4shop5total28_$u7b$$u7b$closure$u7d$$u7d$" + Hash, "shop::total::{{closure}}")]
    [TestCase("_ZN51_$LT$shop..Cart$LT$T$GT$$u20$as$u20$shop..Price$GT$5price" + Hash, "<shop::Cart<T> as shop::Price>::price")]
    [TestCase("_ZN4core3fmt3num50_$LT$impl$u20$core..fmt..Debug$u20$for$u20$u32$GT$3fmt" + Hash, "core::fmt::num::<impl core::fmt::Debug for u32>::fmt")]
    [TestCase("_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$" + Hash, "core::ptr::drop_in_place<alloc::string::String>")]
    [TestCase("_ZN1a32f$SP$$BP$$RF$$LT$$GT$$LP$$RP$$C$" + Hash, "a::f@*&<>(),")]
    [TestCase("_ZN1a7f$ue4$." + Hash, "a::f\u00e4.")]
    [TestCase("_ZN1a6f$xx$b" + Hash, "a::f$xx$b")]
    [TestCase("_ZN1a4f$xx" + Hash, "a::f$xx")]
    [TestCase("_ZN1a4f$u$" + Hash, "a::f$u$")]
    [TestCase("_ZN1a9f$ud800$b" + Hash, "a::f$ud800$b")]
    [TestCase("_ZN1a1b1c" + Hash, "a::b::c")]
    [TestCase("_ZN4shop5total" + Hash + ".llvm.1234", "shop::total")]
    [TestCase("_ZN4shop5total" + Hash + ".cold", "shop::total.cold")]
    [TestCase("_ZN4shop5total17h49c8812b46b9d445Ev", null)] // C++
    [TestCase("_ZN4shop5totalE", null)]
    [TestCase("_ZN4shop5total17h49c8812b46b9d44gE", null)]
    [TestCase("_ZN4shop6total" + Hash, null)]
    [TestCase("_ZN4shop99999total" + Hash, null)]
    [TestCase("_ZN" + Hash, null)]
    [TestCase("_ZN1fEv", null)]
    [TestCase("main", null)]
    [TestCase("", null)]
    public void OlderSymbols(string symbol, string? expected)
    {
        Assert.That(Demangle(symbol), Is.EqualTo(expected));
        Assert.That(RustDemangler.IsRust(Encoding.Latin1.GetBytes(symbol)), Is.EqualTo(expected != null));
    }

    [TestCase("_RNvCs1234_7mycrate3foo", "mycrate::foo")]
    [TestCase("_RNvC6_123foo3bar", "123foo::bar")]
    [TestCase("_RNCNvNtCslCIAqueYAw2_1h4shop5total0B5_", "h::shop::total::{closure#0}")]
    [TestCase("_RNCNvC1a1bs_0", "a::b::{closure#1}")]
    [TestCase("_RNCNCNvC1a1b00", "a::b::{closure#0}::{closure#0}")]
    [TestCase("_RNSNvYNCNvNtCslCIAqueYAw2_1h4shop5total0INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceTlEE9call_once6vtableBa_",
        "<h::shop::total::{closure#0} as core::ops::function::FnOnce<(i32,)>>::call_once::{shim:vtable#0}")]
    [TestCase("_RNvXCs1234_7mycrateINtNtC4core3vec3VecmENtC5other5Trait6method", "<core::vec::Vec<u32> as other::Trait>::method")]
    [TestCase("_RNvMs0_C7mycrateNtC7mycrate4Type6method", "<mycrate::Type>::method")]
    [TestCase("_RNvYmNtC7mycrate5Trait3foo", "<u32 as mycrate::Trait>::foo")]
    [TestCase("_RINvC1c1fmlE", "c::f::<u32, i32>")]
    [TestCase("_RINvC1c1fINtC1d1TmEE", "c::f::<d::T<u32>>")]
    [TestCase("_RINvC1c1fRmQlPhOxEC1d", "c::f::<&u32, &mut i32, *const u8, *mut i64>")]
    [TestCase("_RINvC1c1fRL_mE", "c::f::<&u32>")]
    [TestCase("_RINvC1c1fAmj5_SlTETmETmlEE", "c::f::<[u32; 5], [i32], (), (u32,), (u32, i32)>")]
    [TestCase("_RINvC1c1fFmlEuFEmFUKCEuFK6systemEuE", "c::f::<fn(u32, i32), fn() -> u32, unsafe extern \"C\" fn(), extern \"system\" fn()>")]
    [TestCase("_RINvC1c1fFG_RL0_mEuE", "c::f::<for<'a> fn(&'a u32)>")]
    [TestCase("_RINvC1c1fFG0_RL1_mRL0_lEuE", "c::f::<for<'a, 'b> fn(&'a u32, &'b i32)>")]
    [TestCase("_RINvC1c1fDNtC1d1TEL_E", "c::f::<dyn d::T>")]
    [TestCase("_RINvC1c1fDINtC1d1TmEp4ItemlNtC1e1SEL_E", "c::f::<dyn d::T<u32, Item = i32> + e::S>")]
    [TestCase("_RINvC1c1fDG_NtC1d1TEL_E", "c::f::<dyn for<'a> d::T>")]
    [TestCase("_RINvC1c1fL_E", "c::f::<'_>")]
    [TestCase("_RINvC1c1fKj7b_Kln1_Kb1_Kc61_KpKo123456789abcdef01_E", "c::f::<123, -1, true, 'a', _, 0x123456789abcdef01>")]
    [TestCase("_RINvC1c1fabcdefhijlmnopstuvxyzE",
        "c::f::<i8, bool, char, f64, str, f32, u8, isize, usize, i32, u32, i128, u128, _, i16, u16, (), ..., i64, u64, !>")]
    [TestCase("_RNvC1c10f_with_und", "c::f_with_und")]
    [TestCase("_RNvC1cu10mnchen_3ya", "c::m\u00fcnchen")]
    [TestCase("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", "utf8_idents::\u10e1\u10d0\u10ed\u10db\u10d4\u10da\u10d0\u10d3_\u10d2\u10d4\u10db\u10e0\u10d8\u10d4\u10da\u10d8_\u10e1\u10d0\u10d3\u10d8\u10da\u10d8")]
    [TestCase("_RNvC1a1b.llvm.5", "a::b")]
    [TestCase("_RNvC1a1b.cold.1", "a::b.cold.1")]
    [TestCase("_RNvC1a1bC1d", "a::b")]
    [TestCase("_RNvC1a1bx", null)]
    [TestCase("_RNvC1a2b", null)]
    [TestCase("_RNvC1a99999999999b", null)]
    [TestCase("_R1NvC1a1b", null)]
    [TestCase("_R", null)]
    [TestCase("_RB_", null)]
    [TestCase("_RNvB_1a", null)] // itself
    [TestCase("_RNvBzzzzzzzzzzzzzzzz_1a", null)]
    [TestCase("_RINvC1c1fRL0_mE", null)] // a lifetime without a binder
    [TestCase("_RINvC1c1fKc110000_E", null)]
    [TestCase("_RINvC1c1fKb2_E", null)]
    [TestCase("_RINvC1c1fKj_", null)]
    [TestCase("_RINvC1c1fFGzzzzzz_EuE", null)]
    public void NewerSymbols(string symbol, string? expected)
    {
        Assert.That(Demangle(symbol), Is.EqualTo(expected));
        for (int length = 2; length < symbol.Length; length++)
        {
            Demangle(symbol[..length]); // any beginning of one is safe to read
        }

        for (int room = 0; expected != null && room < Encoding.UTF8.GetByteCount(expected); room++)
        {
            Assert.That(Demangle(symbol, room), Is.Null);
        }
    }

    /// <summary>Each tuple has the one before it twice: what is short in the symbol is long, and is refused at once.</summary>
    [Test]
    public void NamesThatGrowAreBounded()
    {
        var symbol = new StringBuilder("_RINvC1c1f");
        int before = symbol.Length - 2;
        symbol.Append("TmmE");
        for (int i = 0; i < 200; i++)
        {
            int here = symbol.Length - 2;
            string reference = "B" + Base62(before);
            symbol.Append("T" + reference + reference + "E");
            before = here;
        }

        symbol.Append('E');
        Assert.That(Demangle(symbol.ToString()), Is.Null);
        Assert.That(Demangle("_RINvC1c1f" + new string('R', 90) + "mE"), Is.Not.Null);
        Assert.That(Demangle("_RINvC1c1f" + new string('R', 3000) + "mE"), Is.Null);
        Assert.That(Demangle("_R" + new string('N', 3000)), Is.Null);
        Assert.That(Demangle("_R" + new string('Y', 3000)), Is.Null);
    }

    private static string Base62(int value)
    {
        const string Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

        string text = "_";
        for (int rest = value - 1; value > 0; rest /= 62)
        {
            text = Digits[rest % 62] + text;
            if (rest < 62)
            {
                break;
            }
        }

        return text;
    }

    [TestCase("a::f", "a::f")]
    [TestCase("a::f::<i32>", "a::f")]
    [TestCase("a::S<T>::f", "a::S<T>::f", "a::S::f")]
    [TestCase("<a::S<u8>>::f::<i32>", "<a::S<u8>>::f", "<a::S>::f", "a::S<u8>::f", "a::S<u8>::f::<i32>", "a::S::f")]
    [TestCase("<a::S<u8> as b::T<u16>>::f", "<a::S as b::T>::f", "a::S<u8>::f", "a::S::f")]
    [TestCase("<<a::S as b::T<u8>>::Item as c::U>::f", "<<a::S as b::T>::Item as c::U>::f", "a::S::Item::f")]
    [TestCase("<(u8, fn() -> a::S<i32>) as b::T>::f", "(u8, fn() -> a::S<i32>)::f")]
    [TestCase("<fn() -> a::S<i32> as b::T>::f", "fn() -> a::S::f", "fn() -> a::S<i32>::f")]
    [TestCase("<[u8] as b::T>::f", "[u8]::f")]
    [TestCase("core::num::<impl core::Debug for u32>::fmt", "u32::fmt")]
    [TestCase("a::b::<impl a::S<T>>::f", "a::S::f", "a::S<T>::f", "a::b::<impl a::S>::f")]
    [TestCase("a::f::{closure#0}", "a::f::{{closure}}")]
    [TestCase("<a::S<u8> as b::T>::f::<i32>::{closure#1}::{closure#0}", "a::S::f::{{closure}}::{{closure}}", "a::S::f::{closure#1}::{closure#0}")]
    [TestCase("a::f::{{closure}}", "a::f::{{closure}}")]
    [TestCase("a::drop<b::String>", "a::drop")]
    [TestCase("<dyn a::Fn<(i32,), Output = u8> as b::T>::f", "dyn a::Fn::f")]
    [TestCase("f<", "f")]
    [TestCase("<", "<", "")]
    [TestCase("<a as ", "a as ")]
    [TestCase(">", ">")]
    [TestCase("<impl ", "")]
    [TestCase("", "")]
    public void Omissions(string name, params string[] expected)
    {
        byte[] text = Encoding.Latin1.GetBytes(name);
        var found = new List<string>();
        for (RustOmission omission = RustOmission.None; omission <= RustOmission.All; omission++)
        {
            var to = new byte[text.Length];
            found.Add(Encoding.Latin1.GetString(to, 0, RustName.Shorten(text, omission, to)));
        }

        Assert.That(found, Is.SupersetOf(expected));
        Assert.That(found[0], Is.EqualTo(name));
    }

    /// <summary>Whatever a name looks like, it gets no longer.</summary>
    [Test]
    public void AnythingCanBeShortened()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        string[] words = ["<", ">", "<impl ", " for ", " as ", "::", "{closure#", "}", "{", "(", ")", "[", "]", "->", "f", "a", ", "];
        for (int i = 0; i < 200_000; i++)
        {
            var text = new StringBuilder();
            for (int count = random.Next(12); count > 0; count--)
            {
                text.Append(words[random.Next(words.Length)]);
            }

            byte[] name = Encoding.Latin1.GetBytes(text.ToString());
            var to = new byte[name.Length];
            int omission = random.Next(16);
            Assert.That(RustName.Shorten(name, (RustOmission)omission, to), Is.LessThanOrEqualTo(name.Length), $"seed {seed}");
        }
    }
}
