using System;
using System.Collections.Generic;
using Ftrace.Tool.Reports;
using NUnit.Framework;

namespace Ftrace.Tests.Tool;

/// <summary>The table of calls that are under way, against a dictionary of stacks.</summary>
[TestFixture]
public sealed class OpenCallsTests
{
    [TestCase(4, 8)]
    [TestCase(200, 3)]
    [TestCase(4000, 1)]
    public void RemembersTheInnermost(int functions, int threads)
    {
        var random = new Random(functions);
        var calls = new OpenCalls();
        int[] places = new int[60_000];
        var model = new Dictionary<(int, ulong), Stack<int>>();
        for (int i = 1; i < 60_000; i++)
        {
            int thread = random.Next(threads);
            ulong address = 0x7fff_0000_0000 + (ulong)random.Next(functions) * 16;
            if (!model.TryGetValue((thread, address), out Stack<int>? stack))
            {
                model.Add((thread, address), stack = new Stack<int>());
            }

            if (stack.Count == 0 || (stack.Count < 5 && random.Next(2) == 0))
            {
                Assert.That(calls.Push(thread, address, i, out places[i]), Is.EqualTo(stack.Count == 0 ? 0 : stack.Peek()));
                stack.Push(i);
                continue;
            }

            int call = stack.Pop();
            int place = calls.Find(thread, address, places[call]);
            Assert.That(calls.Innermost(place), Is.EqualTo(call));
            if (stack.TryPeek(out int outer))
            {
                calls.Innermost(place) = outer;
            }
            else
            {
                calls.Remove(place);
            }
        }
    }
}
