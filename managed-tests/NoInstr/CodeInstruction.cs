using System.Collections.Generic;
using Iced.Intel;

namespace Ftrace.Tests.NoInstr;

/// <summary>An instruction with what the linker, or its own distance, makes it refer to.</summary>
internal sealed record CodeInstruction(Instruction Instruction, IReadOnlyList<Reference> References);
