/** Verbs about the machine and the model (workload.md §4.4). */
import { drainStocks } from '../engine/drain.ts'
import { toPages } from '../engine/machine.ts'
import { reclaim } from '../engine/reclaim.ts'
import { swapOff } from '../engine/swapin.ts'
import { flushStats } from '../engine/vmstat.ts'
import { EAGAIN, EBUSY, EINVAL, ENOMEM, OK } from '../errno.ts'
import { type Cgroup, pathOf } from '../tree/cgroup.ts'
import { memcgFor } from '../tree/spawn.ts'
import { type Args, Refusal } from './args.ts'
import { books } from './books.ts'
import { setConfig } from './config.ts'
import { type Context, done, type Outcome, type Verb, waiting } from './verb.ts'

const ok = (words: string): Outcome => ({ errno: OK, words })

function swap({ kernel }: Context, args: Args): Outcome | Refusal {
  const { engine, setup } = kernel
  if (args.flag('on') === args.flag('off')) return new Refusal(EINVAL, 'usage: swap on SIZE, or swap off')
  if (args.flag('off')) {
    if (swapOff(engine, 0)) return ok('off')
    return new Refusal(ENOMEM, `${engine.swap.used} pages are still on it: no memory for them`)
  }
  if (!args.has('SIZE') || args.number('SIZE') === 0) return new Refusal(EINVAL, 'swap on wants a SIZE above 0')
  if (engine.swapTotal > 0) return new Refusal(EBUSY, 'the swap device is on already; "swap off" first')
  engine.swapTotal = toPages(setup.machine, args.number('SIZE'))
  return ok(`on pages=${engine.swapTotal}`)
}

function reclaimNow({ kernel }: Context, args: Args): Outcome | Refusal {
  const { engine, tree, setup } = kernel
  const where = args.text('WHERE') as 'global' | Cgroup
  const target = where === 'global' ? engine.root : memcgFor(tree, where)
  const freed = reclaim(engine, target, toPages(setup.machine, args.number('SIZE')), 0)
  if (freed === 0) return new Refusal(EAGAIN, 'nothing could be reclaimed')
  return ok(`${where === 'global' ? 'global' : pathOf(where)} freed=${freed}`)
}

function tick({ kernel }: Context, args: Args): Outcome {
  kernel.advanceTo(kernel.now + args.number('TIME'))
  return ok(`clock=${kernel.now}`)
}

function rstatFlush({ kernel }: Context): Outcome {
  flushStats(kernel.engine, kernel.engine.root)
  return ok('')
}

function drain({ kernel, here }: Context, args: Args): Outcome {
  const cg = args.has('CGROUP') ? args.cgroup() : here.hierarchy.root
  drainStocks(kernel.engine, memcgFor(kernel.tree, cg))
  return ok(pathOf(cg))
}

function config({ kernel }: Context, args: Args): Outcome | Refusal {
  const set = setConfig(kernel, args.text('SETTING'))
  return set instanceof Refusal ? set : ok(set)
}

function stat({ kernel, here }: Context, args: Args): Outcome {
  const cg = args.has('CGROUP') ? args.cgroup() : here
  const values = books(kernel, cg)
  if (args.flag('json')) return ok(`${pathOf(cg)} ${JSON.stringify(values)}`)
  const words = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  return ok(`${pathOf(cg)} ${words.join(' ')}`)
}

export const machineVerbs: readonly Verb[] = [
  done('swap [on] [off] [SIZE]', swap),
  done('reclaim WHERE SIZE', reclaimNow),
  waiting('tick TIME', tick),
  done('rstat-flush', rstatFlush),
  done('drain-stocks [CGROUP]', drain),
  done('config SETTING', config),
  done('stat [json] [CGROUP]', stat),
  done('echo TEXT…', (_, args) => ok(args.text('TEXT'))),
]
