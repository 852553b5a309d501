/**
 * The kernel's FUSE protocol, as far as this transport speaks it: include/uapi/linux/fuse.h restated. Integers are in
 * host byte order. Offsets are bytes from the start of the structure; bodies follow the 40-byte header of a request
 * or the 16-byte header of a reply. All structures are multiples of 8, so every 32-bit field is aligned.
 *
 * Not spoken: data invalidation (contents are never cached), splicing, cloned descriptors (one reader is enough:
 * fuse-transport.md §1), io_uring, DAX, submounts.
 */

export const PROTOCOL_MAJOR = 7
/** The minor version up to which the structures below are laid out as here; INIT answers at most this. */
export const PROTOCOL_MINOR = 38
/** Kernels offering this minor version or a later one (Linux 6.16) know NOTIFY.incEpoch. */
export const MINOR_WITH_EPOCH = 44

export const ROOT_NODE = 1

/** What a request asks for: `opcode` in its header. */
export const OP = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  create: 35,
  interrupt: 36,
  destroy: 38,
  ioctl: 39,
  poll: 40,
  batchForget: 42,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
  syncfs: 50,
  statx: 52,
} as const

/** Messages from the daemon that answer nothing: the code stands where a reply has its error, `unique` is 0. */
export const NOTIFY = {
  /** A poller of this kernel handle should ask again. */
  poll: 1,
  /** Attributes of a node may not be answered from the cache. Takes no lock, as long as no content is meant. */
  invalInode: 2,
  /** A name in a directory may not be answered from the cache. Takes the directory's lock: see invalidation.ts. */
  invalEntry: 3,
  /** All names are to be looked up again at their next use. Takes no lock. MINOR_WITH_EPOCH and later. */
  incEpoch: 8,
} as const

/** What the daemon asks for in INIT, of what the kernel offers. */
export const INIT_FLAGS = {
  /** O_TRUNC arrives as a flag of OPEN: saves the SETATTR of each shell redirection. */
  atomicTruncate: 1 << 3,
  /** Writes of more than a page arrive whole. Offered by every kernel since 2.6.26. */
  bigWrites: 1 << 5,
  /** Directory reading brings the attributes of the entries along. */
  readdirplus: 1 << 13,
  /** Look-ups in one directory may arrive together; harmless for one thread, and clients wait less for each other. */
  parallelDirectoryOperations: 1 << 18,
  /** The daemon drops set-id bits at writes (there are none): saves the kernel's own check. */
  killPrivilegesV2: 1 << 28,
} as const

export const OPEN_FLAGS = {
  /** Contents are not cached, and the size (always 0) does not limit reading. */
  directIo: 1 << 0,
  /** close(2) does not send FLUSH and wait. */
  noFlush: 1 << 5,
} as const

/** SETATTR: which fields are meant. */
export const SETATTR_VALID = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  atime: 1 << 4,
  mtime: 1 << 5,
  atimeNow: 1 << 7,
  mtimeNow: 1 << 8,
} as const

/** POLL: the caller waits, so a NOTIFY.poll is wanted when the answer changes. */
export const POLL_SCHEDULE_NOTIFY = 1

/** Directory entry types of dirent(3). */
export const DT_DIR = 4
export const DT_REG = 8

export const IN_HEADER = {
  length: 0,
  opcode: 4,
  unique: 8,
  node: 16,
  uid: 24,
  gid: 28,
  /** Thread number of the caller in the pid namespace of the mount; 0 if it has none there. */
  pid: 32,
  sizeof: 40,
} as const

export const OUT_HEADER = { length: 0, error: 4, unique: 8, sizeof: 16 } as const

export const INIT_IN = { major: 0, minor: 4, maxReadahead: 8, flags: 12 } as const
export const INIT_OUT = {
  major: 0,
  minor: 4,
  maxReadahead: 8,
  flags: 12,
  /** Two 16-bit numbers: requests in the background, and when to call that congested. 0: the kernel's choice. */
  background: 16,
  maxWrite: 20,
  /** Granularity of times in nanoseconds. */
  timeGranularity: 24,
  sizeof: 64,
} as const

export const FORGET_IN = { count: 0 } as const
export const BATCH_FORGET_IN = { count: 0, first: 8 } as const
/** One of the items of BATCH_FORGET. */
export const FORGET_ONE = { node: 0, count: 8, sizeof: 16 } as const

export const SETATTR_IN = {
  valid: 0,
  size: 16,
  atime: 32,
  mtime: 40,
  atimeNsec: 56,
  mtimeNsec: 60,
  mode: 68,
  uid: 76,
  gid: 80,
} as const

export const MKNOD_IN = { mode: 0, name: 16 } as const
export const MKDIR_IN = { mode: 0, name: 8 } as const
/** The old name, NUL, the new name, NUL. */
export const RENAME_IN = { newParent: 0, names: 8 } as const
export const RENAME2_IN = { newParent: 0, flags: 8, names: 16 } as const

export const OPEN_IN = { flags: 0 } as const
export const OPEN_OUT = { handle: 0, flags: 8, sizeof: 16 } as const
export const RELEASE_IN = { handle: 0 } as const

/** Also of READDIR and READDIRPLUS, where the offset is the cookie of the last entry. */
export const READ_IN = { handle: 0, offset: 8, size: 16 } as const
export const WRITE_IN = { handle: 0, offset: 8, size: 16, data: 40 } as const
export const WRITE_OUT = { size: 0, sizeof: 8 } as const

export const INTERRUPT_IN = { unique: 0 } as const

export const POLL_IN = { handle: 0, kernelHandle: 8, flags: 16, events: 20 } as const
export const POLL_OUT = { events: 0, sizeof: 8 } as const

/** The name follows, then NUL and the value (the longer head belongs to a flag of INIT that is not asked for). */
export const SETXATTR_IN = { size: 0, flags: 4, name: 8 } as const
export const GETXATTR_IN = { size: 0, name: 8 } as const
export const GETXATTR_OUT = { size: 0, sizeof: 8 } as const

export const STATFS_OUT = { blockSize: 40, nameLength: 44, fragmentSize: 48, sizeof: 80 } as const

export const ATTR = {
  ino: 0,
  size: 8,
  blocks: 16,
  atime: 24,
  mtime: 32,
  ctime: 40,
  atimeNsec: 48,
  mtimeNsec: 52,
  ctimeNsec: 56,
  mode: 60,
  nlink: 64,
  uid: 68,
  gid: 72,
  rdev: 76,
  blockSize: 80,
  flags: 84,
  sizeof: 88,
} as const

/** Answer of GETATTR and SETATTR. */
export const ATTR_OUT = { validSec: 0, validNsec: 8, attr: 16, sizeof: 104 } as const

/** Answer of LOOKUP and MKDIR, and in front of each entry of READDIRPLUS. */
export const ENTRY_OUT = {
  node: 0,
  generation: 8,
  entryValidSec: 16,
  attrValidSec: 24,
  entryValidNsec: 32,
  attrValidNsec: 36,
  attr: 40,
  sizeof: 128,
} as const

/** The name follows; the next entry begins at the next multiple of 8. */
export const DIRENT = { ino: 0, cookie: 8, nameLength: 16, type: 20, name: 24 } as const

export const NOTIFY_POLL_OUT = { kernelHandle: 0, sizeof: 8 } as const
/** A negative offset: attributes alone. */
export const NOTIFY_INVAL_INODE_OUT = { node: 0, offset: 8, length: 16, sizeof: 24 } as const
/** The name follows, with a NUL. */
export const NOTIFY_INVAL_ENTRY_OUT = { parent: 0, nameLength: 8, flags: 12, name: 16 } as const

/** Largest WRITE and READ: 32 pages, what a kernel allows without the MAX_PAGES flag. Longer ones are split by it. */
export const MAX_TRANSFER = 128 * 1024
/** The kernel refuses to be read with less room than max_write and its headers; it asks for 8 KiB at least. */
export const REQUEST_BUFFER = MAX_TRANSFER + 4096
