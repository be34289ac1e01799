using System;

namespace Ftrace.Names;

/// <summary>What a pattern may leave out of a Rust function's name.</summary>
[Flags]
internal enum RustOmission
{
    None = 0,

    /// <summary>Generic arguments at the end: <c>Cart&lt;i64&gt;::each</c> for <c>Cart&lt;i64&gt;::each::&lt;u8&gt;</c>.</summary>
    LastArguments = 1,

    /// <summary>All generic arguments: <c>Cart::each</c>.</summary>
    Arguments = 2,

    /// <summary>
    /// The trait, and the place of an impl: <c>Cart::price</c> for <c>&lt;Cart as Price&gt;::price</c> and for
    /// <c>place::&lt;impl Price for Cart&gt;::price</c>.
    /// </summary>
    Trait = 4,

    /// <summary>Which closure of a function it is: <c>{{closure}}</c> for <c>{closure#0}</c>.</summary>
    Closure = 8,

    All = Arguments | Trait | Closure,
}
