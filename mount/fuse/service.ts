/** What the loop's thread serves: the module named by the mount's options makes it there, from plain data. */
import type { Door } from '../../src/kernfs/door.ts'
import type { Log } from '../host/log.ts'
import type { Processes } from '../host/processes.ts'

/** What only the host knows, handed in: the engine itself does not look (STYLE: time, chance and faults). */
export interface Host {
  readonly processes: Processes
  /** A logger of `debug`, written to stderr at once; `memcgfs:` is put in front. */
  readonly log: (namespace: string) => Log
}

export interface Service {
  readonly door: Door
  /** Answers `session.call`; what it throws is thrown there. */
  call?(message: unknown): unknown
}

/** The export `createDoor` of the module. */
export type CreateDoor = (setup: unknown, host: Host) => Service
