/** The cases of the benchmark without a mount: as system calls, and in the shape of Node's fs. */
import { createCgroupFs } from '../mount/index.ts'
import { batchesInTurns, type Case } from './bench-batches.ts'

/** Time stands still in process: now and then it has to pass, or removed cgroups would pile up. */
const REMOVALS_BETWEEN_TICKS = 100

function prepared() {
  const cgroups = createCgroupFs()
  cgroups.fs.writeFileSync('/cgroup.subtree_control', '+memory +pids')
  cgroups.fs.mkdirSync('/a')
  cgroups.fs.writeFileSync('/a/cgroup.subtree_control', '+memory +pids')
  let removed = 0
  const tick = (): void => {
    if (removed++ % REMOVALS_BETWEEN_TICKS === 0) cgroups.advance('100ms')
  }
  return { cgroups, tick }
}

function asSystemCalls(): Case[] {
  const { cgroups, tick } = prepared()
  const calls = cgroups.process()
  const held = calls.open('/a/memory.current', 0)
  return [
    { name: 're-read', step: () => void calls.pread(held, 4096, 0) },
    {
      name: 'open+read+close',
      step: () => {
        const fd = calls.open('/a/memory.current', 0)
        calls.read(fd, 4096)
        calls.close(fd)
      },
    },
    { name: 'open+write+close', step: () => void calls.writeFile('/a/memory.high', '1G\n') },
    { name: 'stat', step: () => void calls.stat('/a/memory.current') },
    {
      name: 'mkdir+rmdir',
      step: () => {
        calls.mkdir('/a/bench', 0o755)
        calls.rmdir('/a/bench')
        tick()
      },
    },
    {
      name: 'ls -l',
      step: () => {
        const fd = calls.open('/a', 0)
        const entries = calls.getdents(fd)
        if (typeof entries !== 'number') for (const { name } of entries) calls.stat(`/a/${name}`)
        calls.close(fd)
      },
    },
  ]
}

function asNodeFs(): Case[] {
  const { cgroups, tick } = prepared()
  const { fs } = cgroups
  const held = fs.openSync('/a/memory.current', 'r')
  const text = Buffer.alloc(4096)
  return [
    { name: 're-read', step: () => void fs.readSync(held, text, 0, text.length, 0) },
    {
      name: 'open+read+close',
      step: () => {
        const fd = fs.openSync('/a/memory.current', 'r')
        fs.readSync(fd, text, 0, text.length, 0)
        fs.closeSync(fd)
      },
    },
    { name: 'open+write+close', step: () => fs.writeFileSync('/a/memory.high', '1G\n') },
    { name: 'stat', step: () => void fs.statSync('/a/memory.current') },
    {
      name: 'mkdir+rmdir',
      step: () => {
        fs.mkdirSync('/a/bench')
        fs.rmdirSync('/a/bench')
        tick()
      },
    },
    { name: 'ls -l', step: () => (fs.readdirSync('/a') as string[]).forEach(name => void fs.lstatSync(`/a/${name}`)) },
  ]
}

/** Microseconds by case: as system calls, as Node's fs. */
export const measureInProcess = (): Map<string, number[]> => batchesInTurns([asSystemCalls(), asNodeFs()])
