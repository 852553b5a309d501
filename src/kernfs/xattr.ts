/**
 * Extended attributes of nodes. Kernel: fs/kernfs/inode.c (limits of user.*), fs/xattr.c.
 */
import { EEXIST, ENODATA, ENOSPC, EOPNOTSUPP, type Errno, OK, type Ok } from '../errno.ts'
import type { Features } from '../profiles/features.ts'
import type { StoredAttributes } from '../tree/files.ts'
import type { ByteString } from '../units.ts'

const NAMESPACES = ['user.', 'trusted.', 'security.']
/** Of one node. */
const MAX_USER_ATTRIBUTES = 128
const MAX_USER_BYTES = 128 * 1024

export const XATTR_CREATE = 1
export const XATTR_REPLACE = 2

const isUser = (name: ByteString): boolean => name.startsWith('user.')
const isKnown = (name: ByteString, { userXattr }: Features): boolean =>
  NAMESPACES.some(prefix => name.startsWith(prefix) && name.length > prefix.length) && (userXattr || !isUser(name))

export function getXattr(
  stored: StoredAttributes | undefined,
  name: ByteString,
  features: Features,
): Uint8Array | Errno {
  if (!isKnown(name, features)) return EOPNOTSUPP
  return stored?.xattrs?.get(name) ?? ENODATA
}

/** The new value is counted before the old one is dropped: replacing at the limit fails, too. */
export function setXattr(
  stored: StoredAttributes,
  name: ByteString,
  value: Uint8Array,
  flags: number,
  features: Features,
): Ok | Errno {
  if (!isKnown(name, features)) return EOPNOTSUPP
  stored.xattrs ??= new Map()
  const { xattrs } = stored
  if (isUser(name)) {
    const held = [...xattrs.keys()].filter(isUser).length
    if (held + 1 > MAX_USER_ATTRIBUTES || stored.userXattrBytes + value.length > MAX_USER_BYTES) return ENOSPC
  }
  const old = xattrs.get(name)
  if (old !== undefined && (flags & XATTR_CREATE) !== 0) return EEXIST
  if (old === undefined && (flags & XATTR_REPLACE) !== 0) return ENODATA
  xattrs.delete(name)
  xattrs.set(name, value)
  if (isUser(name)) stored.userXattrBytes += value.length - (old?.length ?? 0)
  return OK
}

export function removeXattr(stored: StoredAttributes | undefined, name: ByteString, features: Features): Ok | Errno {
  if (!isKnown(name, features)) return EOPNOTSUPP
  const old = stored?.xattrs?.get(name)
  if (old === undefined) return ENODATA
  stored!.xattrs!.delete(name)
  if (isUser(name)) stored!.userXattrBytes -= old.length
  return OK
}

/** Names in the order of the kernel. */
export function listXattrs(stored: StoredAttributes | undefined, features: Features): ByteString[] {
  const names = [...(stored?.xattrs?.keys() ?? [])]
  return features.xattrList === 'newest-first' ? names.reverse() : names.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
}
