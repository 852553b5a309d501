/** The verb that holds a wished pressure on a cgroup (workload.md §4.4): what testing an oomd needs. */
import { hasPsi } from '../engine/psi/group.ts'
import { hold, letGo } from '../engine/psi/hold.ts'
import { EINVAL, ENODEV, EOPNOTSUPP, OK } from '../errno.ts'
import { pathOf } from '../tree/cgroup.ts'
import { pressureGroup } from '../tree/pressure.ts'
import { type Args, Refusal } from './args.ts'
import { type Context, done, type Outcome, type Verb } from './verb.ts'

const RESOURCES = ['memory', 'io', 'cpu'] as const

function stall({ kernel, here }: Context, args: Args): Outcome | Refusal {
  const { engine, tree } = kernel
  const cg = args.has('CGROUP') ? args.cgroup() : here
  const [resource, another] = RESOURCES.filter(each => args.flag(each))
  if (resource === undefined || another !== undefined) return new Refusal(EINVAL, 'of memory, io and cpu one is wanted')
  if (!hasPsi(engine)) return new Refusal(EOPNOTSUPP, `the kernel ${kernel.setup.profile.id} tells no pressure`)
  if (cg.hierarchy.version === 1) return new Refusal(EOPNOTSUPP, 'cgroups of version 1 have no pressure of their own')
  if (!cg.alive) return new Refusal(ENODEV, `${pathOf(cg)} was removed`)
  const group = pressureGroup(tree, cg)
  const words = `${resource} ${pathOf(cg)}`
  if (args.flag('off')) {
    if (args.has('some') || args.has('full') || args.has('for')) return new Refusal(EINVAL, 'off stands alone')
    letGo(engine, group, resource)
    return { errno: OK, words: `${words} off` }
  }
  const shares = { some: args.has('some') ? args.number('some') : 0, full: args.has('full') ? args.number('full') : 0 }
  if (shares.some === 0) return new Refusal(EINVAL, 'some= is a share of time above 0%; to end it say off')
  if (shares.full > shares.some)
    return new Refusal(EINVAL, 'full= is at most some=: when nobody can go on, somebody cannot either')
  hold(engine, group, resource, shares, args.has('for') ? args.number('for') : undefined)
  return { errno: OK, words: `${words} some=${shares.some / 100}% full=${shares.full / 100}%` }
}

export const stallVerbs: readonly Verb[] = [
  done('stall memory|io|cpu [CGROUP] [some=PERCENT] [full=PERCENT] [for=TIME] [off]', stall),
]
