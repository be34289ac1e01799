namespace Ftrace.Manual.Model;

internal enum InlineKind
{
    Text,

    /// <summary>What is written as it is: names, options, code.</summary>
    Literal,

    /// <summary>What stands for something else: parameters, types.</summary>
    Variable,

    /// <summary>The name of a page; its target is "NAME.SECTION".</summary>
    Reference,

    /// <summary>A word that is described on a page, such as a constant; its target is "NAME.SECTION".</summary>
    Mention,

    /// <summary>A document of the project; its target is "guide.md#anchor".</summary>
    Document,

    /// <summary>An address.</summary>
    Link,
}
