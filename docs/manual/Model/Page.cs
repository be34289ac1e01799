using System.Collections.Generic;
using System.Linq;

namespace Ftrace.Manual.Model;

/// <summary>A manual page.</summary>
/// <param name="Names">What it describes. The first one is its name; the others are links to it.</param>
/// <param name="Section">Of the manual: 1, 3 or 7.</param>
/// <param name="Summary">A few words, for whatis(1).</param>
/// <param name="Group">Where the index lists it.</param>
internal sealed record Page(IReadOnlyList<string> Names, string Section, string Summary, string Group)
{
    public string Name => Names[0];

    public List<PageSection> Sections { get; } = [];

    /// <summary>Adds a section, unless it is empty.</summary>
    public void Add(string heading, IReadOnlyList<Block> blocks)
    {
        if (blocks.Count != 0)
        {
            Sections.Add(new PageSection(heading, blocks));
        }
    }

    /// <summary>All pieces of text.</summary>
    public IEnumerable<Inline> Inlines => Sections.SelectMany(s => s.Blocks).SelectMany(InlinesOf);

    private static IEnumerable<Inline> InlinesOf(Block block) => block switch
    {
        Paragraph paragraph => paragraph.Text,
        ItemList list => list.Items.SelectMany(i => i).SelectMany(InlinesOf),
        DefinitionList list => list.Items.SelectMany(d => d.Term.Concat(d.Text.SelectMany(InlinesOf))),
        Table table => table.Rows.SelectMany(r => r).SelectMany(c => c),
        _ => [],
    };
}
