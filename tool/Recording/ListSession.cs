using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Ftrace.Names;
using Ftrace.Tool.Reading;

namespace Ftrace.Tool.Recording;

/// <summary><c>ftrace list</c>: what can be traced in a program or process, and why the rest cannot.</summary>
internal sealed class ListSession(ListOptions options)
{
    private readonly List<FunctionPattern> _patterns = [];
    private readonly List<string> _failures = [];
    private byte[] _nearest = [];
    private int _distance = int.MaxValue;
    private int _shown;

    /// <summary>Writes the list.</summary>
    /// <returns>False: no function matches the patterns.</returns>
    /// <exception cref="RecordingException">There is no such program or process.</exception>
    public bool Run(Stream output)
    {
        foreach (string filter in options.Filters)
        {
            _patterns.Add(new FunctionPattern(filter));
        }

        int? id = ProcessId.Parse(options.Target);
        bool isProcess = id != null;
        List<ListedObject> objects = id is int process ? ObjectList.OfProcess(process) : ProgramObjects();
        IListWriter writer = options.IsJson ? new JsonListWriter(output, options) : new TextListWriter(output, options);
        writer.Begin();
        foreach (ListedObject target in objects)
        {
            ListObject(writer, target, isProcess);
        }

        writer.End(_failures);
        return _shown != 0 || _patterns.Count == 0;
    }

    /// <summary>For people whose pattern matches nothing.</summary>
    public string Nearest => Encoding.UTF8.GetString(_nearest);

    private List<ListedObject> ProgramObjects()
    {
        string path = options.Target;
        if (!path.Contains('/') && !File.Exists(path))
        {
            path = ProgramFile.Find(path).Path;
        }

        using MappedObject program = MappedObject.Open(path);
        return ObjectList.OfProgram(path, withLibraries: program.HasInterpreter || !program.IsProgram);
    }

    private void ListObject(IListWriter writer, ListedObject target, bool isProcess)
    {
        MappedObject mapped;
        try
        {
            mapped = MappedObject.Open(target.File);
        }
        catch (RecordingException e) when (!target.IsProgram || isProcess)
        {
            _failures.Add(e.Message);
            return;
        }

        using (mapped)
        {
            var functions = new ObjectFunctions(mapped);
            bool isStatic = target.IsProgram && mapped.IsProgram && !mapped.HasInterpreter;
            bool isShown = target.IsProgram || functions.IsForTracing;
            writer.BeginObject(target, functions, isStatic);
            foreach (ListedFunction function in functions.Functions)
            {
                byte[] name = NameDemangler.Demangle(function.Symbol);
                if (!Matches(target, function, name))
                {
                    continue;
                }

                if (function.IsTraceable || (options.All && isShown))
                {
                    writer.Write(function, options.IsRaw ? function.Symbol : name);
                    _shown++;
                }
            }

            writer.EndObject();
        }
    }

    private bool Matches(ListedObject target, ListedFunction function, byte[] name)
    {
        bool found = _patterns.Count == 0;
        for (int i = 0; i < _patterns.Count && !found; i++)
        {
            found = _patterns[i].Matches(target, function.Symbol, name);
        }

        if (!found && function.IsTraceable && _shown == 0)
        {
            int distance = new NearestName(Encoding.UTF8.GetBytes(options.Filters[0])).Compare(name);
            _nearest = distance < _distance ? name : _nearest;
            _distance = Math.Min(distance, _distance);
        }

        return found;
    }
}
