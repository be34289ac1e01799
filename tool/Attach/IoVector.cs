namespace Ftrace.Tool.Attach;

/// <summary><c>struct iovec</c></summary>
internal unsafe struct IoVector
{
    public void* Base;
    public nuint Length;
}
