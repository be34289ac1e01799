using System;
using System.Collections.Generic;
using Ftrace.Tool.Dumps;
using Ftrace.Tool.Reading;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>A format that checks what every format relies on: slices are nested, end, and time does not go back.</summary>
internal sealed class SliceCheck(TraceFile file) : Dump(file)
{
    private readonly Dictionary<int, Stack<int>> _open = [];
    private ulong _time;

    /// <summary>Slices, and time in them, by function; of nested ones each counts.</summary>
    public Dictionary<int, ulong> Times { get; } = [];

    public int Slices { get; private set; }

    public int Continued { get; private set; }

    public int Depth { get; private set; }

    public override void OnSliceBegin(int thread, ulong time, int function, SliceBegin how)
    {
        Advance(time);
        Stack(thread).Push(function);
        Depth = Math.Max(Depth, Stack(thread).Count);
        Slices += how == SliceBegin.Continued ? 0 : 1;
        Continued += how == SliceBegin.Continued ? 1 : 0;
    }

    public override void OnSliceEnd(int thread, ulong time, int function, SliceEnd how)
    {
        Advance(time);
        Assert.That(Stack(thread), Is.Not.Empty);
        Assert.That(Stack(thread).Pop(), Is.EqualTo(function));
        Continued -= how == SliceEnd.Split ? 1 : 0;
    }

    public override void End(ulong time)
    {
        Advance(time);
        foreach (Stack<int> stack in _open.Values)
        {
            Assert.That(stack, Is.Empty);
        }

        Assert.That(Continued, Is.Zero, "as many begin again as were split");
    }

    private void Advance(ulong time)
    {
        Assert.That(time, Is.GreaterThanOrEqualTo(_time));
        foreach (Stack<int> stack in _open.Values)
        {
            foreach (int function in stack)
            {
                Times[function] = Times.GetValueOrDefault(function) + (time - _time);
            }
        }

        _time = time;
    }

    private Stack<int> Stack(int thread)
    {
        if (!_open.TryGetValue(thread, out Stack<int>? stack))
        {
            _open.Add(thread, stack = new Stack<int>());
        }

        return stack;
    }
}
