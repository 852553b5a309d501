/** Tells our mount from others on the same directory. Asked of /proc, so that it never waits for the loop. */
import { mountedOn } from './mountinfo.ts'

export class Place {
  readonly dir: string
  readonly #device: string | undefined

  /** To be made while the mount is on top. */
  constructor(dir: string) {
    this.dir = dir
    this.#device = mountedOn(dir)?.device
  }

  /** It is still there, and nothing is mounted over it. */
  get onTop(): boolean {
    return this.#device !== undefined && mountedOn(this.dir)?.device === this.#device
  }
}
