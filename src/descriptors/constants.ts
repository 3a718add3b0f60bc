/**
 * Constants of the Linux kernel that node:fs does not export. The numbers are the same on x64 and
 * arm64.
 */

// open(2)
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
/** O_TMPFILE without O_DIRECTORY, which is part of it and differs between x64 and arm64. */
export const O_TMPFILE_BIT = 0o20000000;

// rename(2)
export const RENAME_NOREPLACE = 1;

// readdir(3), d_type
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;

// lseek(2)
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

// fallocate(2), statfs(2)
export const FALLOC_FL_KEEP_SIZE = 1;
/** Also the number of ext2 and ext3. */
export const EXT4_SUPER_MAGIC = 0xef53;
export const XFS_SUPER_MAGIC = 0x58465342;
export const BTRFS_SUPER_MAGIC = 0x9123683e;
export const F2FS_SUPER_MAGIC = 0xf2f52010;
export const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
export const TMPFS_MAGIC = 0x01021994;
/** Of OpenZFS, which is not part of Linux. */
export const ZFS_SUPER_MAGIC = 0x2fc12fc1;

// fcntl(2), flock(2)
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_SETOWN = 8;
export const F_SETSIG = 10;
export const F_DUPFD_CLOEXEC = 1030;
export const F_GET_SEALS = 1034;
export const O_ASYNC = 0x2000;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

// statx(2)
export const AT_STATX_DONT_SYNC = 0x4000;
export const AT_EMPTY_PATH = 0x1000;
export const AT_FDCWD = -100;
export const AT_SYMLINK_FOLLOW = 0x400; // linkat(2)
export const AT_SYMLINK_NOFOLLOW = 0x100; // utimensat(2)
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX_MNT_ID_UNIQUE = 0x4000; // Linux 6.8

// preadv2(2), splice(2)
export const RWF_NOWAIT = 8;
export const SPLICE_F_NONBLOCK = 2;

// poll(2), epoll_ctl(2)
export const POLLIN = 0x001;
export const POLLOUT = 0x004;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLET = 0x8000_0000;

// inotify(7)
export const IN_MODIFY = 0x002;
export const IN_ATTRIB = 0x004;
export const IN_MOVED_FROM = 0x040;
export const IN_MOVED_TO = 0x080;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;

// socket(2), socket(7), unix(7)
export const AF_UNIX = 1;
export const SHUT_WR = 1;
export const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = O_CLOEXEC;
export const SOL_SOCKET = 1;
export const SO_PEERCRED = 17;
export const SO_PEERPIDFD = 77; // Linux 6.5
export const SO_PASSRIGHTS = 83; // Linux 6.16
export const SCM_RIGHTS = 1;
export const SCM_PIDFD = 4;

// recvmsg(2)
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

// signal(7), pthread_sigmask(3), clone(2), prctl(2), getrlimit(2)
export const SIGKILL = 9;
export const SIGTERM = 15;
export const SIG_DFL = 0;
export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
export const CLONE_FILES = 0x400;
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const RLIMIT_DATA = 2;
