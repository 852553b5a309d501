/**
 * The memory controller's files. What is behind them is the engine. Kernel: mm/memcontrol.c, memory_files and swap_files.
 */
import * as counter from '../engine/counter.ts'
import { eventCount, localEventCount, memoryEvents, swapEventCount, swapEvents } from '../engine/events.ts'
import { reclaimOnRequest, writeHigh, writeMax, writeSwapMax } from '../engine/limits.ts'
import { isPinned, type MemCgroup } from '../engine/memcg.ts'
import { moveMm } from '../engine/mm.ts'
import { moveCharges } from '../engine/movecharge.ts'
import { createMemcg, freeMemcg, offlineMemcg, releaseMemcg } from '../engine/offline.ts'
import { stopWaiting } from '../engine/oomwait.ts'
import { flushForReader, printedUnit, readLine, readNodeStat } from '../engine/vmstat.ts'
import { EINVAL, type Errno, isErrno, OK, type Ok } from '../errno.ts'
import { parseInteger, parseSize, parseSizeOrMax, scanSize, trim } from '../formats/parse.ts'
import type { TextBuffer } from '../formats/text.ts'
import type { Features } from '../profiles/features.ts'
import type { Access, Controller, FileRow } from '../tree/controller.ts'
import type { Css } from '../tree/css.ts'
import type { Tree } from '../tree/tree.ts'
import type { ByteString, Pages } from '../units.ts'
import { memoryV1 } from './memory-v1.ts'

/** On which kernels and machines a file exists. */
type When = NonNullable<FileRow['when']>
const hasMin: When = ({ memoryMin }) => memoryMin
const hasReclaim: When = ({ memoryReclaimFile }) => memoryReclaimFile
const hasZswap: When = (features, machine) => hasReclaim(features, machine) && machine.zswap
const hasWriteback: When = ({ memorySwapPeak }, { zswap }) => memorySwapPeak && zswap
const hasSwap: When = (features, machine) => hasMin(features, machine) && machine.swapAccounting
const hasSwapHigh: When = ({ swapHigh }, { swapAccounting }) => swapHigh && swapAccounting
const hasSwapPeak: When = ({ memorySwapPeak }, { swapAccounting }) => memorySwapPeak && swapAccounting
const resetsPeak = ({ memoryPeak }: Features): boolean => memoryPeak === 'reset-per-open'

const memcgOf = ({ css }: Access): MemCgroup => css.memcg!

/** Rules started by a write to an interface file run on this CPU (workload.md §8.1). */
const INTERFACE_CPU = 0

type CounterOf = (m: MemCgroup) => counter.CounterId
const ofMemory: CounterOf = m => m.memory
const ofSwap: CounterOf = m => m.swap

type Get = (counters: counter.Counters, c: counter.CounterId) => Pages
type Set = (counters: counter.Counters, c: counter.CounterId, pages: Pages) => void

/** How much is used now. */
const usageFile = (name: string, of: CounterOf, when?: When): FileRow => ({
  name,
  on: 'below root',
  show: (out, access) => {
    const { counters, machine } = access.tree.engine
    out.bytesOf(counter.usage(counters, of(memcgOf(access))), machine.pageSize).newline()
    return undefined
  },
  ...(when && { when }),
})

/** A limit or a protection: `max` or bytes. `apply` stores it, does what follows from it, or refuses. */
function settingFile(
  name: string,
  of: CounterOf,
  get: Get,
  apply: (access: Access, pages: Pages) => Errno | Ok,
  when?: When,
): FileRow {
  return {
    name,
    on: 'below root',
    show: (out, access) => {
      const { counters, machine } = access.tree.engine
      const pages = get(counters, of(memcgOf(access)))
      if (pages === counter.PAGE_COUNTER_MAX) out.text('max')
      else out.bytesOf(pages, machine.pageSize)
      out.newline()
      return undefined
    },
    write: (text, access) => {
      const pages = parseSizeOrMax(trim(text), access.tree.engine.machine.pageSize, counter.PAGE_COUNTER_MAX)
      return isErrno(pages) ? pages : apply(access, pages)
    },
    ...(when && { when }),
  }
}

/** Storing is all there is to do. */
const store =
  (of: CounterOf, set: Set) =>
  (access: Access, pages: Pages): Ok => {
    set(access.tree.engine.counters, of(memcgOf(access)), pages)
    return OK
  }

/**
 * The largest usage so far. Where it can be written, a write of anything makes this descriptor count from the present
 * usage on; the restarted watermark is shared, so the others note what they know of first (charge-reclaim.md §5.7).
 * Kernel: peak_write, 6.12; before that the file is read-only, which is a row of its own.
 */
const peakFiles = (name: string, of: CounterOf, when: When): FileRow[] => {
  const show: FileRow['show'] = (out, access) => {
    const { counters, machine } = access.tree.engine
    const c = of(memcgOf(access))
    const { peak } = access.memory
    const pages =
      peak === undefined ? counter.watermark(counters, c) : Math.max(peak, counter.localWatermark(counters, c))
    out.bytesOf(pages, machine.pageSize).newline()
    return undefined
  }
  const write: FileRow['write'] = (_, access) => {
    const { counters } = access.tree.engine
    const c = of(memcgOf(access))
    const now = counter.usage(counters, c)
    counter.restartLocalWatermark(counters, c)
    for (const other of access.others()) if (other.peak !== undefined) other.peak = Math.max(other.peak, now)
    access.memory.peak = now
    return OK
  }
  return [
    { name, on: 'below root', show, when: (features, machine) => when(features, machine) && !resetsPeak(features) },
    {
      name,
      on: 'below root',
      show,
      write,
      when: (features, machine) => when(features, machine) && resetsPeak(features),
    },
  ]
}

export const memory: Controller = {
  name: 'memory',
  threaded: false,
  implicit: false,
  dependsOn: [],
  files: [
    usageFile('memory.current', ofMemory),
    { ...usageFile('memory.current', ofMemory), on: 'root', when: ({ memoryCurrentRoot }) => memoryCurrentRoot },
    ...peakFiles('memory.peak', ofMemory, hasReclaim),
    settingFile('memory.min', ofMemory, counter.minOf, store(ofMemory, counter.setMin), hasMin),
    settingFile('memory.low', ofMemory, counter.lowOf, store(ofMemory, counter.setLow)),
    settingFile('memory.high', ofMemory, counter.highOf, (access, pages) => {
      writeHigh(access.tree.engine, memcgOf(access), pages, access)
      return OK
    }),
    settingFile('memory.max', ofMemory, counter.maxOf, (access, pages) =>
      writeMax(access.tree.engine, memcgOf(access), pages, access),
    ),
    { name: 'memory.events', on: 'below root', show: showEvents, notifies: true },
    {
      name: 'memory.events.local',
      on: 'below root',
      show: showEventsLocal,
      notifies: true,
      when: ({ memoryEventsLocal }) => memoryEventsLocal,
    },
    { name: 'memory.stat', on: 'below root', show: showStat, when: hasMin },
    { name: 'memory.stat', on: 'root', show: showStat, when: ({ memoryStatRoot }) => memoryStatRoot },
    { name: 'memory.numa_stat', on: 'everywhere', show: showNumaStat, when: ({ memoryNumaStat }) => memoryNumaStat },
    {
      name: 'memory.oom.group',
      on: 'below root',
      show: showOomGroup,
      write: writeOomGroup,
      when: ({ oomGroup }) => oomGroup,
    },
    { name: 'memory.reclaim', on: 'everywhere', write: writeReclaim, when: hasReclaim },
    usageFile('memory.swap.current', ofSwap, hasSwap),
    settingFile('memory.swap.high', ofSwap, counter.highOf, store(ofSwap, counter.setHigh), hasSwapHigh),
    settingFile('memory.swap.max', ofSwap, counter.maxOf, setSwapMax, hasSwap),
    ...peakFiles('memory.swap.peak', ofSwap, hasSwapPeak),
    { name: 'memory.swap.events', on: 'below root', show: showSwapEvents, notifies: true, when: hasSwap },
    { name: 'memory.zswap.current', on: 'below root', show: showZswapCurrent, when: hasZswap },
    { name: 'memory.zswap.max', on: 'below root', show: showZswapMax, write: writeZswapMax, when: hasZswap },
    {
      name: 'memory.zswap.writeback',
      on: 'everywhere',
      show: showWriteback,
      write: writeWriteback,
      when: hasWriteback,
    },
  ],
  legacyFiles: memoryV1,
  alloc,
  reset,
  offline: (tree, css) => offlineMemcg(tree.engine, css.memcg!, INTERFACE_CPU),
  isPinned: css => isPinned(css.memcg!),
  released: (tree, css) => releaseMemcg(tree.engine, css.memcg!),
  free: (tree, css) => {
    tree.cssOfMemcg[css.memcg!.slot] = null
    freeMemcg(tree.engine, css.memcg!, INTERFACE_CPU)
  },
  canAttach: (tree, tasks, to) => {
    const { mm, cpu } = tasks.find(task => task === task.leader) ?? {}
    return mm && cpu !== undefined ? moveCharges(tree.engine, mm, to.memcg!, cpu) : OK
  },
  attach: (tree, task, _from, to) => {
    // The address space is where the leader of its threads is.
    const isLed = task.leader !== task && task.leader.state === 'alive'
    if (task.mm === null || task.mm.memcg === to.memcg || isLed) return
    stopWaiting(tree.engine, task.mm)
    moveMm(task.mm, to.memcg!)
  },
}

function alloc(tree: Tree, css: Css): Errno | Ok {
  const { engine } = tree
  const m = css.parent === null ? engine.root : createMemcg(engine, css.parent.memcg!, INTERFACE_CPU)
  if (isErrno(m)) return m
  css.memcg = m
  tree.cssOfMemcg[m.slot] = css
  return OK
}

/** Hidden, but kept because another controller needs it: no limit holds any more. Kernel: mem_cgroup_css_reset. */
function reset(tree: Tree, css: Css): void {
  const { counters } = tree.engine
  for (const c of [css.memcg!.memory, css.memcg!.swap]) {
    counter.setMax(counters, c, counter.PAGE_COUNTER_MAX)
    counter.setHigh(counters, c, counter.PAGE_COUNTER_MAX)
    counter.setMin(counters, c, 0)
    counter.setLow(counters, c, 0)
  }
}

function setSwapMax(access: Access, pages: Pages): Ok {
  writeSwapMax(access.tree.engine, memcgOf(access), pages)
  return OK
}

function showEvents(out: TextBuffer, access: Access): undefined {
  const { engine } = access.tree
  for (const event of memoryEvents(engine)) out.keyed(event, eventCount(engine, memcgOf(access), event))
}

function showEventsLocal(out: TextBuffer, access: Access): undefined {
  const { engine } = access.tree
  for (const event of memoryEvents(engine)) out.keyed(event, localEventCount(engine, memcgOf(access), event))
}

function showSwapEvents(out: TextBuffer, access: Access): undefined {
  const { engine } = access.tree
  for (const event of swapEvents(engine)) out.keyed(event, swapEventCount(engine, memcgOf(access), event))
}

function showStat(out: TextBuffer, access: Access): undefined {
  const { engine } = access.tree
  const m = memcgOf(access)
  flushForReader(engine, m)
  for (const line of engine.vmstats.lines) {
    out.text(line.name).text(' ')
    out.bytesOf(readLine(engine, m, line), printedUnit(engine, line.items[0]!)).newline()
  }
}

function showNumaStat(out: TextBuffer, access: Access): undefined {
  const { engine } = access.tree
  const m = memcgOf(access)
  flushForReader(engine, m)
  for (const { name, items } of engine.vmstats.nodeLines) {
    const item = items[0]!
    out.text(name)
    for (let node = 0; node < engine.machine.nodes; node++)
      out.text(` N${node}=`).bytesOf(readNodeStat(engine, m, item, node), printedUnit(engine, item))
    out.newline()
  }
}

function showOomGroup(out: TextBuffer, access: Access): undefined {
  out.line(memcgOf(access).oomGroup ? 1 : 0)
}

/** 0 or 1; other numbers are no choice, and what is no 32-bit number is out of range. */
const CHOICE = { min: 0, max: 1, outside: EINVAL } as const

function writeOomGroup(text: ByteString, access: Access): Errno | Ok {
  const group = parseInteger(trim(text), CHOICE)
  if (isErrno(group)) return group
  memcgOf(access).oomGroup = group === 1
  return OK
}

/** What memory.reclaim is asked for. */
interface Request {
  readonly pages: Pages
  readonly swappiness?: number | 'max'
}

function writeReclaim(text: ByteString, access: Access): Errno | Ok {
  const { engine } = access.tree
  const request = parseReclaim(trim(text), access)
  return isErrno(request) ? request : reclaimOnRequest(engine, memcgOf(access), request.pages, request)
}

const SWAPPINESS = { min: 0, max: 200, outside: EINVAL } as const

/** `SIZE [swappiness=N]`. Where there is only a size, nothing means everything. */
function parseReclaim(text: ByteString, { tree }: Access): Request | Errno {
  const { features, machine } = tree.engine
  const syntax = features.memoryReclaim
  if (syntax === 'size') {
    const pages = text === '' ? counter.PAGE_COUNTER_MAX : parseSize(text, machine.pageSize, counter.PAGE_COUNTER_MAX)
    return isErrno(pages) ? pages : { pages }
  }
  const { bytes, end } = scanSize(text)
  if (end === 0) return EINVAL
  let request: Request = { pages: Number(bytes / BigInt(machine.pageSize)) }
  for (const word of trim(text.slice(end)).split(' ')) {
    if (word === '') continue
    const [key, value] = [word.slice(0, word.indexOf('=') + 1), word.slice(word.indexOf('=') + 1)]
    if (key !== 'swappiness=') return EINVAL
    const isMax = value === 'max' && syntax === 'size+swappiness-max'
    const swappiness = isMax ? 'max' : parseInteger(value, SWAPPINESS)
    if (isErrno(swappiness)) return EINVAL
    request = { ...request, swappiness }
  }
  return request
}

/** zswap is built but never used by the model: it holds nothing. */
function showZswapCurrent(out: TextBuffer): undefined {
  out.line(0)
}

function showZswapMax(out: TextBuffer, access: Access): undefined {
  const { zswapMax } = memcgOf(access)
  if (zswapMax === counter.PAGE_COUNTER_MAX) out.text('max\n')
  else out.bytesOf(zswapMax, access.tree.engine.machine.pageSize).newline()
}

function writeZswapMax(text: ByteString, access: Access): Errno | Ok {
  const pages = parseSizeOrMax(trim(text), access.tree.engine.machine.pageSize, counter.PAGE_COUNTER_MAX)
  if (isErrno(pages)) return pages
  memcgOf(access).zswapMax = pages
  return OK
}

function showWriteback(out: TextBuffer, access: Access): undefined {
  out.line(memcgOf(access).zswapWriteback ? 1 : 0)
}

function writeWriteback(text: ByteString, access: Access): Errno | Ok {
  const on = parseInteger(trim(text), CHOICE)
  if (isErrno(on)) return on
  memcgOf(access).zswapWriteback = on === 1
  return OK
}
