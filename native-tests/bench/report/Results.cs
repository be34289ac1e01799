using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ftrace.Bench;

/// <summary>What the bench has measured.</summary>
internal sealed record Results(Machine Machine, string Version, bool Quick, Part[] Parts, Note[] Notes, Row[] Rows)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        IgnoreReadOnlyProperties = true,
    };

    /// <summary>The sections, in their order.</summary>
    public IEnumerable<string> Sections => Rows.Select(r => r.Section).Distinct();

    public static Results Parse(string json) =>
        JsonSerializer.Deserialize<Results>(json, s_options) ?? throw new InvalidDataException("there are no results");

    /// <summary>A line for each part, note and row, so that a change of one is a change of a line.</summary>
    public string ToJson()
    {
        static string List<T>(IEnumerable<T> items) => string.Join(",\n", items.Select(i => "    " + JsonSerializer.Serialize(i, s_options)));
        return $$"""
            {
              "machine": {{JsonSerializer.Serialize(Machine, s_options)}},
              "version": "{{Version}}",
              "quick": {{(Quick ? "true" : "false")}},
              "parts": [
            {{List(Parts)}}
              ],
              "notes": [
            {{List(Notes)}}
              ],
              "rows": [
            {{List(Rows)}}
              ]
            }

            """;
    }

    /// <summary>These, and the parts of <paramref name="others"/> that these do not have, in the order of those.</summary>
    public Results With(Results others)
    {
        if (others.Machine != Machine)
        {
            throw new InvalidDataException($"the results are those of another machine: {others.Machine}, not {Machine}");
        }

        HashSet<string> own = [.. Parts.Select(p => p.Name)];
        HashSet<string> sections = [.. Rows.Select(r => r.Section)];
        string[] order = [.. others.Parts.Concat(Parts).Select(p => p.Name).Distinct()];
        return this with
        {
            Quick = Quick || others.Quick,
            Parts = [.. Parts.Concat(others.Parts.Where(p => !own.Contains(p.Name))).OrderBy(p => Array.IndexOf(order, p.Name))],
            Notes = [.. others.Notes.Where(n => !sections.Contains(n.Section)), .. Notes],
            Rows = [.. Rows.Concat(others.Rows.Where(r => !own.Contains(r.Part))).OrderBy(r => Array.IndexOf(order, r.Part))],
        };
    }
}
