using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ftrace.Tool.Recording;

/// <summary>The list for programs: all that the text says, and addresses.</summary>
internal sealed class JsonListWriter(Stream output, ListOptions options) : IListWriter
{
    private const int FlushAt = 32 << 10;

    private readonly Utf8JsonWriter _json = new(output, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public void Begin()
    {
        _json.WriteStartObject();
        _json.WriteString("target", options.Target);
        _json.WriteStartArray("objects");
    }

    public void BeginObject(ListedObject target, ObjectFunctions functions, bool isStatic)
    {
        _json.WriteStartObject();
        _json.WriteString("path", target.Path);
        _json.WriteBoolean("program", target.IsProgram);
        _json.WriteBoolean("static", isStatic);
        _json.WriteBoolean("stripped", functions.IsStripped);
        _json.WriteNumber("traceable", functions.Traceable);
        _json.WriteStartArray("reasons");
        foreach (ListReason reason in ListReason.Of(functions))
        {
            _json.WriteStartObject();
            _json.WriteString("kind", reason.Kind);
            _json.WriteNumber("count", reason.Count);
            _json.WriteString("text", reason.Text);
            _json.WriteString("remedy", reason.Remedy);
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        _json.WriteStartArray("functions");
    }

    public void Write(ListedFunction function, byte[] name)
    {
        _json.WriteStartObject();
        WriteText("name", name);
        WriteText("symbol", function.Symbol);
        _json.WriteString("address", string.Create(CultureInfo.InvariantCulture, $"0x{function.Address:x}"));
        _json.WriteBoolean("traceable", function.IsTraceable);
        _json.WriteString(function.IsTraceable ? "room" : "reason", TextOf(function.State));
        _json.WriteEndObject();
        if (_json.BytesPending > FlushAt)
        {
            _json.Flush();
        }
    }

    public void EndObject()
    {
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    public void End(IReadOnlyList<string> failures)
    {
        _json.WriteEndArray();
        _json.WriteStartArray("unreadable");
        foreach (string failure in failures)
        {
            _json.WriteStringValue(failure);
        }

        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        output.Write("\n"u8);
    }

    /// <summary>A symbol need not be UTF-8.</summary>
    private void WriteText(string property, byte[] text) => _json.WriteString(property, Encoding.UTF8.GetString(text));

    private static string TextOf(Traceability state) => state switch
    {
        Traceability.Nops => "nops",
        Traceability.Mcount => "mcount",
        Traceability.Sled => "xray",
        Traceability.TooFewNops => "too-few-nops",
        Traceability.NotListed => "not-listed",
        _ => "no-room",
    };
}
