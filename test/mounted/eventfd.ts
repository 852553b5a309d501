/**
 * A program that registers eventfds with cgroup.event_control in the directory it is given, one for each further
 * argument `FILE [ARGUMENTS]`, and then waits for each in turn. It prints `registered`, and what each has counted.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'

const eventfd = koffi.load(null).func('int eventfd(unsigned int, int)') as (count: number, flags: number) => number

const [dir = '', ...requests] = process.argv.slice(2)
const eventfds = requests.map(request => {
  const [file = '', ...args] = request.split(' ')
  const fd = eventfd(0, 0)
  const about = openSync(join(dir, file), 'r')
  writeFileSync(join(dir, 'cgroup.event_control'), `${fd} ${about} ${args.join(' ')}`)
  closeSync(about)
  return fd
})
console.log('registered')
for (const fd of eventfds) {
  const count = new BigUint64Array(1)
  readSync(fd, new Uint8Array(count.buffer)) // Waits.
  console.log(String(count[0]))
}
