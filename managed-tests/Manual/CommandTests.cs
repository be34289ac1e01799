using System.CommandLine;
using System.Linq;
using Ftrace.Tool.Commands;
using Ftrace.Tool.Completion;
using NUnit.Framework;

namespace Ftrace.Tests.Manual;

/// <summary>What shells and pages are told of the command.</summary>
public sealed class CommandTests
{
    private static readonly string[] s_anyValue = ["FIELD", "FROM..TO", "FUNCTION", "N", "NAME", "P", "PATTERN", "SIZE", "TID", "TIME", "TRIGGER"];

    /// <summary>A new name of a value is either something that shells know, or one of those that they cannot complete.</summary>
    [Test]
    public void EveryValueIsKnown()
    {
        CompletedCommand[] commands = CompletedCommand.AllOf(CommandTree.Create());
        string[] any = [.. commands.SelectMany(c => c.Options.Select(o => o.Value).OfType<CompletedValue>().Concat(c.Arguments)).Where(v => v.Kind == ValueKind.Any).Select(v => v.Name).Distinct()];
        Assert.That(any, Is.SubsetOf(s_anyValue));
    }

    [Test]
    public void EveryOptionIsDescribed()
    {
        RootCommand root = CommandTree.Create();
        foreach (CompletedCommand command in CompletedCommand.AllOf(root))
        {
            Assert.That(command.Options.Where(o => o.Description.Length < 10).Select(o => $"{command.Name} {o.Names[0]}"), Is.Empty);
        }
    }

    [TestCase("Only these times: seconds", ExpectedResult = "Only these times")]
    [TestCase("The file; one that exists", ExpectedResult = "The file")]
    [TestCase("Sort by name.\n\nMore.", ExpectedResult = "Sort by name")]
    [TestCase("The format:\nperfetto", ExpectedResult = "The format")]
    public string ADescriptionIsShort(string text) => CompletedCommand.Brief(text);

    [TestCase("record", ExpectedResult = "ftrace record [OPTION]... [--] PROGRAM [ARGUMENT]...|ftrace record [OPTION]... --pid PID")]
    [TestCase("dump", ExpectedResult = "ftrace dump [OPTION]... --format FORMAT [FILE]")]
    [TestCase("on", ExpectedResult = "ftrace on PID|FILE")]
    [TestCase("filter", ExpectedResult = "ftrace filter [OPTION]... PID|FILE [PATTERN]...")]
    public string TheSynopsisIsThatOfThePage(string name) => string.Join('|', Synopsis.Of(CommandTree.Create().Subcommands.Single(c => c.Name == name)));
}
