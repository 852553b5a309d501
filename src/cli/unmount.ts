/** `memcgfs unmount DIR`. */
import { unmountPath } from '../../mount/fuse/unmount-path.ts'
import { type Command, oneDirectory, readArguments } from './command.ts'

const HELP = `memcgfs unmount DIR [--lazy]

Unmounts a memcgfs and lets its daemon end. The simulated kernel and all it held are gone.

  --lazy   unmount although somebody is inside: what they have open there fails from then on`

export const unmountCommand: Command = {
  name: 'unmount',
  summary: 'unmount a memcgfs',
  help: HELP,
  async run(args) {
    const { values, positionals } = readArguments('unmount', args, { lazy: { type: 'boolean', default: false } })
    const dir = oneDirectory('unmount', positionals)
    await unmountPath(dir, { lazy: values.lazy })
    return 0
  },
}
