/**
 * Units of measure as types. A unit is a flavour of number: a plain number may become any of them, but pages
 * never become bytes by accident. The model counts in pages and turns them into bytes where it prints.
 */

declare const unit: unique symbol
type Unit<Name extends string> = number & { readonly [unit]?: Name }

export type Pages = Unit<'pages'>
export type Bytes = Unit<'bytes'>
/** Virtual time since the simulated boot. Exact up to 2^53 ns, 104 days. */
export type Nanoseconds = Unit<'nanoseconds'>
export type Microseconds = Unit<'microseconds'>
/** Number of a simulated CPU, 0 … cpus - 1. */
export type Cpu = Unit<'cpu'>
/** Number of a NUMA node. */
export type NodeNumber = Unit<'node'>
/** A process or thread number. */
export type Pid = Unit<'pid'>
export type Uid = Unit<'uid'>
export type Gid = Unit<'gid'>
/** st_ino and, for directories, the cgroup id: unique for the life of a hierarchy. */
export type InodeNumber = Unit<'inode'>

/**
 * Bytes as the kernel keeps them on disk and in names: a string in which each character, U+0000 to U+00FF, is one
 * byte. Names and written texts have this form throughout `src/`; only the doors turn them into UTF-8.
 */
export type ByteString = string

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

export const milliseconds = (n: number): Nanoseconds => n * 1_000_000
export const seconds = (n: number): Nanoseconds => n * 1_000_000_000

/** Rounds up to whole units of `size`. */
export const roundUp = (n: number, size: number): number => Math.ceil(n / size) * size
