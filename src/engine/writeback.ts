/**
 * Page cache that is newer than the disk, and bringing the disk up to date. Kernel: mm/page-writeback.c,
 * fs/fs-writeback.c. Nobody is slowed down for what he makes dirty.
 *
 * With `writeback=instant` writing back takes no time: page cache is always clean. With `timed` it is dirty until a
 * flusher comes, some time after the first page became dirty, and being written for a while then.
 */
import { schedule, type WorkKind } from '../clock.ts'
import { type Cpu, milliseconds, type Pages } from '../units.ts'
import type { Engine } from './engine.ts'
import type { PageCacheFile } from './file.ts'
import type { FolioBatch } from './folio.ts'
import { rejoin } from './foliosplit.ts'
import { modStatTimes, STAT } from './vmstat.ts'

/** Deferred: the flusher, and the end of the writing it started as round `a`. */
export const FLUSHER: WorkKind = 'flusher'
export const WRITTEN: WorkKind = 'written'

export interface Writeback {
  /** The flusher is queued. */
  armed: boolean
  /** Numbers what is written together; 0 is none. */
  round: number
}

export const createWriteback = (): Writeback => ({ armed: false, round: 0 })

/** A file on disk was written. */
export function markDirty(e: Engine, batch: FolioBatch, cpu: Cpu): void {
  if (e.options.writeback === 'instant' || batch.kind !== 'file' || batch.file === null || batch.dirty) return
  batch.dirty = true
  modStatTimes(e, batch.memcg, STAT.file_dirty, cpu, 1, batch.pages, batch.node)
  armFlusher(e)
}

function armFlusher(e: Engine): void {
  if (e.writeback.armed) return
  e.writeback.armed = true
  schedule(e.clock, milliseconds(e.options.flusherMs), FLUSHER)
}

/** Starts writing what is dirty, of one file or of all; how many pages. What is being written already waits for its turn. */
export function startWriteback(e: Engine, cpu: Cpu, file?: PageCacheFile): Pages {
  let started = 0
  const round = e.writeback.round + 1
  for (const batch of e.folios.batches) {
    if (!batch?.dirty || batch.writeback !== 0 || (file !== undefined && batch.file !== file)) continue
    batch.dirty = false
    batch.writeback = round
    modStatTimes(e, batch.memcg, STAT.file_dirty, cpu, -1, batch.pages, batch.node)
    modStatTimes(e, batch.memcg, STAT.file_writeback, cpu, 1, batch.pages, batch.node)
    started += batch.pages
  }
  if (started === 0) return 0
  e.writeback.round = round
  schedule(e.clock, milliseconds(e.options.writebackMs), WRITTEN, round)
  return started
}

/** The flusher comes; as long as anything is dirty it comes again. */
export function runFlusher(e: Engine): void {
  e.writeback.armed = false
  startWriteback(e, 0)
  if (e.folios.batches.some(batch => batch?.dirty)) armFlusher(e)
}

/** The disk has it. */
export function endWriteback(e: Engine, round: number): void {
  for (const batch of [...e.folios.batches]) {
    if (batch?.writeback !== round || e.folios.batches[batch.id] !== batch) continue
    batch.writeback = 0
    modStatTimes(e, batch.memcg, STAT.file_writeback, 0, -1, batch.pages, batch.node)
    rejoin(e, batch)
  }
}
