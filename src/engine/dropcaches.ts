/**
 * Dropping what is cached and not in use, of the whole machine, as the sysctl vm.drop_caches does. Kernel:
 * fs/drop_caches.c.
 *
 * The names of files go only with the last page of their cache, and everything goes at once: in the kernel objects
 * that readers may still look at are freed a grace period later.
 */
import type { Cpu, Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import { freeBatch, removeFromFile } from './folio.ts'
import { freeKernelObjects } from './kmem.ts'
import { dropNames } from './names.ts'
import { isHeld } from './pins.ts'

/** Clean page cache on disk that nobody maps; tmpfs keeps its pages. How many pages went. Kernel: drop_pagecache_sb. */
export function dropPageCache(e: Engine, cpu: Cpu): Pages {
  let dropped = 0
  for (const batch of [...e.folios.batches]) {
    if (batch === null || batch.kind !== 'file' || batch.file === null || batch.mappers.length > 0) continue
    if (isHeld(batch) || batch.dirty || batch.writeback !== 0) continue
    dropped += batch.pages
    removeFromFile(e, batch, cpu)
    freeBatch(e, batch, cpu)
  }
  return dropped
}

/** Dentries and inodes nobody holds; how many objects went. Kernel: drop_slab. */
export function dropNamesAndInodes(e: Engine, cpu: Cpu): number {
  let dropped = dropNames(e, cpu)
  for (const file of e.files.byName.values()) {
    if (file.fs === 'tmpfs' || file.mappings > 0 || file.cache.extents.length > 0) continue
    for (const objects of file.objects ?? []) {
      dropped += objects.count
      freeKernelObjects(e, objects, objects.count, cpu)
    }
    file.objects = null
  }
  return dropped
}
