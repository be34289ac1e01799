using Ftrace.Protocol;

namespace Ftrace.Tests.Explorer;

/// <summary>What fails of a batch.</summary>
/// <param name="Part">Which step.</param>
/// <param name="Location">Writing this location; those before it have been written. 0: the membarrier that follows.</param>
/// <param name="Old">When the old code is put back, instead of when the new one is written.</param>
internal sealed record Failure(TextPart Part, int Location, bool Old = false);
