using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What fails of a batch.</summary>
/// <param name="Part">Which step.</param>
/// <param name="Location">Writing this location; those before it have been written. 0: the membarrier that follows.</param>
/// <param name="Code">When the new code is written, or when the old one is put back.</param>
internal sealed record Failure(TextPart Part, int Location, PatchCode Code = PatchCode.New);
