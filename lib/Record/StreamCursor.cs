namespace Ftrace.Record;

/// <summary>How far a ring was copied to the file. Written by the keeper alone, and after its end by who stops the recording.</summary>
internal struct StreamCursor
{
    /// <summary>The sequence number of the next block to be copied; 0: the ring was not looked at yet.</summary>
    public ulong Next;

    /// <summary>Units of the thread that were lost.</summary>
    public ulong Lost;

    /// <summary>The thread's number in the file.</summary>
    public uint Thread;

    /// <summary>Since when the next block lacks units that were reserved; 0: it does not.</summary>
    public long WaitsSince;
}
