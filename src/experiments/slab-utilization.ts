/**
 * Slab pages of a host full of containers: under the controller that gives each cgroup caches of its own, under the one
 * that shares them, and without accounting (seed 003; slab-kmem.md §12.1).
 */

import { type Utilization, utilization } from '../engine/slab/report.ts'
import type { KernelId } from '../profiles/features.ts'
import { CLAIMS } from './claims.ts'
import type { Experiment, Findings, Surroundings } from './experiment.ts'
import type { SlabPicture, SlabsPanel } from './figure/figure.ts'
import { type Container, type FleetShape, runFleet } from './fleet.ts'
import { Lab } from './lab.ts'
import { formatNumber } from './numbers.ts'

/** Who pays for slab memory, and how. */
interface Controller {
  readonly id: 'old' | 'new' | 'off'
  readonly name: string
  readonly kernel: KernelId
  readonly accounted: boolean
}

/** `off` shows that sharing slabs makes the difference, and not counting what is in them. */
const CONTROLLERS: Readonly<Record<Controller['id'], Controller>> = {
  old: { id: 'old', name: 'old controller (5.5)', kernel: '5.5', accounted: true },
  new: { id: 'new', name: 'new controller (5.9)', kernel: '5.9', accounted: true },
  off: { id: 'off', name: 'accounting off (5.5)', kernel: '5.5', accounted: false },
}

interface Variant extends Pick<FleetShape, 'restarts' | 'survive' | 'cpus'> {
  readonly id: string
  readonly name: string
}

interface Run {
  readonly utilization: Utilization
  readonly pictures: readonly SlabPicture[]
  readonly slabs: number
  readonly capacity: number
}

/** Operations of a burst, and objects freed together, on average. */
const BURST = 100
const FREED_TOGETHER = 20

const shapeOf = ({ parameters }: Surroundings, { restarts, survive, cpus }: Variant): FleetShape => ({
  cpus,
  restarts,
  survive,
  slots: parameters.slots!,
  turn: parameters.turn!,
  move: parameters.move!,
  operations: parameters.operations!,
  burst: BURST,
  run: FREED_TOGETHER,
})

function run(around: Surroundings, controller: Controller, variant: Variant): Run {
  const { kernel, accounted, name } = controller
  const lab = new Lab({ kernel, cpus: variant.cpus })
  const fleet = { lab, shape: shapeOf(around, variant), rng: around.chance(variant.id), accounted }
  const containers = runFleet(fleet, (started, all) =>
    around.progress(`${variant.name}, ${name}: container ${started} of ${all}`),
  )
  const { geometry } = lab.cache(PICTURED)
  const pictures = picturesOf(lab, containers)
  return { utilization: utilization(lab.engine), slabs: pictures.length, capacity: geometry.objects, pictures }
}

const PICTURED = 'dentry'
/** As many slabs as a picture shows: eight rows. */
const SHOWN = 368

/** Who owns what of the slabs of one cache; those of living and dead containers, oldest slab first. */
function picturesOf(lab: Lab, containers: readonly Container[]): SlabPicture[] {
  const slabs = new Map<number, Map<number, number>>()
  for (const { number, files } of containers) {
    for (const group of files.flatMap(({ groups }) => groups)) {
      if (lab.nameOf(group) !== PICTURED) continue
      for (const { slab, count } of group.runs) {
        const owners = slabs.get(slab) ?? new Map<number, number>()
        slabs.set(slab, owners)
        owners.set(number, (owners.get(number) ?? 0) + count)
      }
    }
  }
  return [...slabs]
    .sort(([a], [b]) => a - b)
    .map(([, owners]) =>
      [...owners].map(([owner, objects]) => ({ owner, objects })).sort((a, b) => b.objects - a.objects),
    )
}

/** The mix of the command line, and three others. */
function variantsOf({ parameters }: Surroundings): readonly [Variant, ...Variant[]] {
  const { cpus, restarts, survive } = parameters as Record<'cpus' | 'restarts' | 'survive', number>
  return [
    { id: 'main', name: 'as given', cpus, restarts, survive },
    { id: 'more-survive', name: 'more survives', cpus, restarts: 3, survive: 0.25 },
    { id: 'fewer-restarts', name: 'fewer restarts', cpus, restarts: 2, survive: 0.3 },
    { id: 'long-lived', name: 'long-lived only', cpus, restarts: 1, survive: 0 },
  ]
}

type Runs = Readonly<Record<Controller['id'], Run>>

const runAll = (around: Surroundings, variant: Variant): Runs => ({
  old: run(around, CONTROLLERS.old, variant),
  new: run(around, CONTROLLERS.new, variant),
  off: run(around, CONTROLLERS.off, variant),
})

/** Shares of the old slab, in percent, that are accounted to nobody: the same on both sides, they dilute what is saved. */
const UNACCOUNTED = [25, 40] as const

function valuesOf(id: string, runs: Runs): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [controller, { utilization }] of Object.entries(runs)) {
    values[`${id}-${controller}-visible`] = percent(utilization.visible)
    values[`${id}-${controller}-exact`] = percent(utilization.exact)
  }
  const saved = 1 - runs.new.utilization.pages / runs.old.utilization.pages
  values[`${id}-reduction`] = percent(saved)
  for (const share of UNACCOUNTED) values[`${id}-reduction-${share}`] = saved * (100 - share)
  return values
}

/** Which way it goes: with a quarter of the CPUs, and without restarts. */
function trends(around: Surroundings, main: Variant, given: Runs, longLived: Runs): Record<string, number> {
  const cpus = Math.max(1, Math.floor(main.cpus / 4))
  const fewer: Variant = { ...main, name: `${cpus} CPUs`, cpus }
  const old = run(around, CONTROLLERS.old, fewer).utilization
  const shared = run(around, CONTROLLERS.new, fewer).utilization
  return {
    'cpus-old': percent(old.exact - given.old.utilization.exact),
    'cpus-new': Math.abs(percent(shared.visible - given.new.utilization.visible)),
    'restarts-old': percent(longLived.old.utilization.exact - given.old.utilization.exact),
  }
}

function measure(around: Surroundings): Findings {
  const variants = variantsOf(around)
  const all = variants.map(variant => ({ ...variant, runs: runAll(around, variant) }))
  const [given, longLived] = [all[0]!.runs, all.at(-1)!.runs]
  return {
    values: Object.assign(
      trends(around, variants[0], given, longLived),
      ...all.map(({ id, runs }) => valuesOf(id, runs)),
    ),
    remarks: [
      'Visible is what /proc/slabinfo makes of it: free objects on slabs that a CPU owns count as used, so it hides part of what more CPUs cost. Exact counts what somebody holds. The thread measured machines, of whose slab a part is accounted to nobody; 25 % and 40 % are shares of the old slab.',
    ],
    figure: {
      title: 'Slab pages of a host full of containers',
      panels: [
        {
          kind: 'bars',
          title: 'Utilization as slabinfo shows it',
          y: '% of the bytes of slabs',
          bars: Object.values(CONTROLLERS).map(({ name }) => name),
          groups: all.map(({ name, runs }) => ({
            name,
            values: Object.values(runs).map(({ utilization }) => percent(utilization.visible)),
          })),
        },
        slabsPanel(CONTROLLERS.old, given.old),
        slabsPanel(CONTROLLERS.new, given.new),
      ],
    },
  }
}

/** At most so many of a list, evenly spread over it. */
const sample = <T>(list: readonly T[], most: number): readonly T[] =>
  list.length <= most ? list : Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!)

const percent = (share: number): number => 100 * share

function slabsPanel({ name }: Controller, { pictures, slabs, capacity }: Run): SlabsPanel {
  const objects = pictures.flat().reduce((sum, each) => sum + each.objects, 0)
  const owners = pictures.reduce((sum, each) => sum + each.length, 0) / pictures.length
  return {
    kind: 'slabs',
    title: `${name}: slabs of ${PICTURED}`,
    caption: `${formatNumber(slabs)} slabs with cached names of containers, ${formatNumber(percent(objects / (slabs * capacity)))} % used, ${formatNumber(owners)} owners per slab on average. A stripe is one cgroup; grey is empty.`,
    capacity,
    slabs: sample(pictures, SHOWN),
  }
}

export const slabUtilization: Experiment = {
  name: 'slab-utilization',
  summary: 'how full slabs are when each cgroup has its own, and when all share them',
  thread: 'The new cgroup slab memory controller, R. Gushchin, January 2020 (seed 003)',
  about: [
    'Fills a host with containers that start tasks and work on files, restarts them in new cgroups, and frees most of what the old ones left cached. Then counts slabs: once under the old controller, which gives each cgroup caches of its own; once under the new one; once without accounting.',
    'A slab of the old controller belongs to one cgroup, so a container wastes about half a slab for each cache on each CPU it has been on, and every slab that a removed one has left a single object on.',
  ],
  parameters: [
    { name: 'cpus', about: 'CPUs of the host', value: 32, least: 1, most: 512 },
    { name: 'slots', about: 'containers at a time', value: 80, least: 1, most: 10_000 },
    { name: 'restarts', about: 'how often each is started, in a new cgroup', value: 3, least: 1, most: 100 },
    {
      name: 'survive',
      about: 'share of a removed one’s cache that stays',
      value: 0.15,
      least: 0,
      most: 1,
      fraction: true,
    },
    {
      name: 'turn',
      about: 'share of a living one’s cache that was freed',
      value: 0.3,
      least: 0,
      most: 1,
      fraction: true,
    },
    { name: 'move', about: 'probability to change CPU after a burst', value: 0.3, least: 0, most: 1, fraction: true },
    { name: 'operations', about: 'operations on files of a median container', value: 1500, least: 1, most: 1_000_000 },
  ],
  claims: CLAIMS['slab-utilization'],
  measure,
}
