using System.Collections.Generic;
using System.Text;
using Ftrace.Tool.Reading;

namespace Ftrace.Tests.Tool;

/// <summary>Events as text, one a line.</summary>
internal static class EventList
{
    /// <summary>All events, merged.</summary>
    public static List<string> Of(TraceFile file)
    {
        var list = new List<string>();
        using MergedEvents events = file.ReadMerged();
        while (events.Next())
        {
            list.Add(Text(in events.Current));
        }

        return list;
    }

    /// <summary>The events of one thread.</summary>
    public static List<string> Of(TraceFile file, TraceThread thread)
    {
        var list = new List<string>();
        using ThreadEvents events = file.ReadThread(thread);
        while (events.Next(out TraceEvent e))
        {
            list.Add(Text(in e));
        }

        return list;
    }

    public static string Text(in TraceEvent e)
    {
        string begin = $"{e.Time} {e.Kind}";
        switch (e.Kind)
        {
            case EventKind.Mark:
                return $"{begin} {Encoding.UTF8.GetString(e.Data)}";
            case EventKind.Lost or EventKind.Gap or EventKind.Switched:
                return $"{begin} {e.Address}";
            case EventKind.FunctionEntry:
                return $"{begin} {e.Address:x} from {e.ReturnAddress:x}";
            case EventKind.Sample:
                string text = $"{begin} {e.Address:x}";
                for (int i = 0; i < e.FrameCount; i++)
                {
                    text += $" {e.Frame(i):x}";
                }

                for (int i = 0; i < e.CallCount; i++)
                {
                    text += $" ({e.TracedCall(i):x})";
                }

                return text;
            default:
                return $"{begin} {e.Call} {e.Address:x}";
        }
    }
}
