/** The numbers behind the files of the cgroup core. */
import { type Cgroup, type ControllerSet, pathOf, pathUp, subtree } from '../tree/cgroup.ts'
import { availableControllers } from '../tree/control.ts'
import { SELF } from '../tree/css.ts'
import { processes, threads } from '../tree/lists.ts'
import { typeOf } from '../tree/threaded.ts'
import { inSet, type Tree } from '../tree/tree.ts'
import { type Facts, fact } from './explanation.ts'

export const controllerNames = (tree: Tree, set: ControllerSet): string =>
  [...inSet(tree, set)].map(c => tree.controllers[c]!.name).join(' ') || 'none'

const countOf = (list: readonly unknown[] | number): number | string =>
  typeof list === 'number' ? 'refused' : list.length

/** Who lives here and below. */
export const taskFacts: Facts = ({ cg }) => [
  fact('processes here', countOf(processes(cg))),
  fact('threads here', countOf(threads(cg))),
  fact('cgroups below with living tasks', populatedBelow(cg).join(', ') || 'none'),
]

const MANY = 5

function populatedBelow(cg: Cgroup): string[] {
  const paths = [...subtree(cg)].filter(each => each !== cg && (each.tasks?.size ?? 0) > 0).map(pathOf)
  return paths.length > MANY ? [...paths.slice(0, MANY), `${paths.length - MANY} more`] : paths
}

export const childrenFacts: Facts = ({ cg }) => [fact('children', [...(cg.children?.keys() ?? [])].join(' ') || 'none')]

export const controlFacts: Facts = ({ tree, cg }) => [
  fact('controllers handed down to here', controllerNames(tree, availableControllers(tree, cg))),
  fact('controllers on for the children', controllerNames(tree, cg.subtreeControl)),
  ...[...(cg.children?.values() ?? [])]
    .filter(child => child.subtreeControl !== 0)
    .map(child => fact(`${pathOf(child)} hands on`, controllerNames(tree, child.subtreeControl))),
]

export const typeFacts: Facts = ({ tree, cg }) =>
  cg.hierarchy.version === 1 ? [] : [...pathUp(cg)].map(level => fact(`type of ${pathOf(level)}`, typeOf(tree, level)))

const limitText = (limit: number): string => (Number.isFinite(limit) ? String(limit) : 'max')

/** How many cgroups there may be on the way up, and how deep. */
export const treeLimitFacts: Facts = ({ cg }) =>
  [...pathUp(cg)].map(level =>
    fact(
      `limits of ${pathOf(level)}`,
      `cgroup.max.descendants ${limitText(level.maxDescendants)} with ${level.descendants} below, cgroup.max.depth ${limitText(level.maxDepth)} with this one ${cg.level - level.level} below`,
    ),
  )

export const dyingFacts: Facts = ({ tree, cg }) => {
  const states = tree.css.filter(css => css !== null && css.stage !== 'online' && css.controller === SELF)
  const below = states.filter(css => [...pathUp(css!.cgroup)].includes(cg))
  return [
    fact('cgroups alive below', cg.descendants),
    fact('removed and still referenced below', cg.dyingDescendants),
    ...below.slice(0, MANY).map(css => fact(pathOf(css!.cgroup), `${css!.stage}, ${css!.refs} references`)),
    ...(cg.dyingDescendants > 0 ? [fact('what keeps them', 'see .memcgfs/zombies')] : []),
  ]
}

export const freezeFacts: Facts = ({ cg }) => [
  ...[...pathUp(cg)]
    .filter(level => level.parent !== null)
    .map(level => fact(`cgroup.freeze of ${pathOf(level)}`, level.freeze ? 1 : 0)),
  fact('tasks here', cg.tasks?.size ?? 0),
  fact('of these frozen', cg.frozenTasks),
  fact('cgroups below that are frozen', `${cg.frozenDescendants} of ${cg.descendants}`),
]

/** Tasks of this cgroup and below that sleep in the kernel. */
export const sleepFacts: Facts = ({ tree, cg }) => {
  const sleepers = [...subtree(cg)].flatMap(each => [...(each.tasks ?? [])]).filter(task => task.sleep !== null)
  return sleepers.slice(0, MANY).map(({ name, pid, sleep }) => {
    const until = Number.isFinite(sleep!.until)
      ? `for ${(sleep!.until - tree.clock.now) / 1e6} ms more`
      : 'until it is woken'
    return fact(`task ${name || pid} sleeps`, `${until}, because of: ${sleep!.reason}`)
  })
}
