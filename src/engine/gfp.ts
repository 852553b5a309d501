/**
 * Allocation flags, as far as charging looks at them. Kernel: include/linux/gfp_types.h.
 */

/** A set of the bits below. */
export type Gfp = number

/** May sleep and reclaim. */
export const GFP_WAIT: Gfp = 1
/** May use reserves: lets an atomic charge pass the limit. */
export const GFP_HIGH: Gfp = 2
export const GFP_NORETRY: Gfp = 4
export const GFP_MAYFAIL: Gfp = 8
export const GFP_NOFAIL: Gfp = 16
export const GFP_FS: Gfp = 32
export const GFP_IO: Gfp = 64
/** Charge kernel memory to the cgroup. */
export const GFP_ACCOUNT: Gfp = 128
/** Only on the wanted node. */
export const GFP_THISNODE: Gfp = 256

// Circumstances that travel with the flags. In the kernel they are states of the running task or CPU.

/** In a fault of user space, which can be repeated. */
export const IN_FAULT: Gfp = 512
/** In interrupt context: whose task runs there is chance. */
export const IN_INTERRUPT: Gfp = 1024
/** From inside reclaim. Kernel: PF_MEMALLOC. */
export const IN_RECLAIM: Gfp = 2048

/** May not sleep: in interrupt context. */
export const GFP_NOWAIT: Gfp = 0
export const GFP_ATOMIC: Gfp = GFP_HIGH
export const GFP_KERNEL: Gfp = GFP_WAIT | GFP_FS | GFP_IO

/** May not wait, but may use reserves. */
export const isAtomic = (gfp: Gfp): boolean => (gfp & GFP_HIGH) !== 0 && (gfp & GFP_WAIT) === 0

/** Names as scripts write them (charge-reclaim.md §3.1). */
const NAMES: Readonly<Record<string, Gfp>> = {
  GFP_KERNEL,
  GFP_USER: GFP_KERNEL,
  GFP_HIGHUSER_MOVABLE: GFP_KERNEL,
  GFP_NOFS: GFP_WAIT | GFP_IO,
  GFP_NOIO: GFP_WAIT,
  GFP_NOWAIT,
  GFP_ATOMIC,
  GFP_TRANSHUGE_LIGHT: 0,
}

const MODIFIERS: Readonly<Record<string, Gfp>> = {
  NORETRY: GFP_NORETRY,
  MAYFAIL: GFP_MAYFAIL,
  NOFAIL: GFP_NOFAIL,
  HIGH: GFP_HIGH,
  ACCOUNT: GFP_ACCOUNT,
  THISNODE: GFP_THISNODE,
}

export const GFP_NAMES: readonly string[] = Object.keys(NAMES)
export const GFP_MODIFIERS: readonly string[] = Object.keys(MODIFIERS).map(name => `+${name}`)

/** `GFP_KERNEL+NORETRY` → its bits; undefined for a name that is not known. */
export function parseGfp(text: string): Gfp | undefined {
  const [name, ...modifiers] = text.split('+')
  let gfp = Object.hasOwn(NAMES, name!) ? NAMES[name!]! : undefined
  for (const modifier of modifiers) {
    if (gfp === undefined || !Object.hasOwn(MODIFIERS, modifier)) return undefined
    gfp |= MODIFIERS[modifier]!
  }
  return gfp
}
