// What differs between kernels in the file system itself.
import t from 'tap'
import { emptyAttributes } from '../../src/kernfs/door.ts'
import { nameHash } from '../../src/kernfs/readdir.ts'
import { listXattrs } from '../../src/kernfs/xattr.ts'
import { featuresOf } from '../../src/profiles/profiles.ts'
import type { StoredAttributes } from '../../src/tree/files.ts'

t.test('readdir order is that of the name hash', t => {
  // cgroup-core.md §1.3, reproduced on 6.1 and 6.18.
  for (const [name, hash] of [
    ['misc.events', 8_362_147],
    ['cgroup.events', 35_091_264],
    ['io.pressure', 42_970_303],
    ['cgroup.procs', 116_541_448],
  ] as const)
    t.equal(nameHash(name, featuresOf('6.12')), hash, name)
  // errata.md C3: bytes from 128 up are sign-extended up to 6.1 and not on 6.12.
  t.not(nameHash('caf\xe9', featuresOf('6.1')), nameHash('caf\xe9', featuresOf('6.12')))
  t.equal(nameHash('cafe', featuresOf('6.1')), nameHash('cafe', featuresOf('6.12')))
  t.end()
})

t.test('xattrs are listed in the order of their kernel', t => {
  // layout/sys/dir-attrs: set in this order, both kernels recorded.
  const names = ['user.foo', 'trusted.foo', 'security.foo', 'trusted.delegate']
  const { ino: _, nlink: __, ...attributes } = emptyAttributes()
  const stored = {
    ...attributes,
    xattrs: new Map(names.map(name => [name, new Uint8Array()])),
  } as unknown as StoredAttributes
  t.same(listXattrs(stored, featuresOf('6.1')), ['trusted.delegate', 'security.foo', 'trusted.foo', 'user.foo'])
  t.same(listXattrs(stored, featuresOf('6.12')), ['user.foo', 'trusted.foo', 'trusted.delegate', 'security.foo'])
  t.end()
})
