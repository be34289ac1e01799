namespace Ftrace.Windows;

/// <summary>Error numbers of the C library, errno.h: some differ from Linux's.</summary>
internal static class Errno
{
    public const int EPERM = 1;
    public const int EIO = 5;
    public const int E2BIG = 7;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EFAULT = 14;
    public const int EBUSY = 16;
    public const int EINVAL = 22;
    public const int ERANGE = 34;
    public const int EDEADLK = 36;
    public const int EOPNOTSUPP = 130;
    public const int ETIMEDOUT = 138;
}
