namespace Ftrace.Patch;

/// <summary>Where it is looked for threads that are inside of a location.</summary>
internal enum PositionSearch
{
    /// <summary>Nowhere: all locations are single instructions, or there are no threads.</summary>
    None,

    /// <summary>In the threads' registers. They are certain, whatever the location holds.</summary>
    Registers,

    /// <summary>On their stacks too. What is found there counts only in a location of more than one instruction.</summary>
    Stacks,
}
