// What a removed memcg costs: the table of slab-kmem.md §10, column by column.
import t from 'tap'
import { memcgBytes } from '../../src/engine/zombies.ts'
import { engineOf } from './helpers.ts'

t.test('bytes of a memcg by kernel, CPUs and nodes', t => {
  const machines = [
    { cpus: 8, nodes: 1 },
    { cpus: 64, nodes: 1 },
    { cpus: 64, nodes: 2 },
    { cpus: 256, nodes: 8 },
  ]
  for (const [kernel, ...bytes] of [
    ['4.3', 5952, 15_360, 17_408, 61_952],
    ['5.2', 25_600, 161_792, 193_536, 1_496_064],
    ['5.3', 25_600, 161_792, 193_536, 1_496_064],
    ['5.9', 28_448, 183_904, 222_816, 1_784_928],
    ['5.15', 29_248, 190_528, 231_488, 1_868_864],
    ['6.1', 27_072, 130_112, 178_240, 1_744_960],
    ['6.12', 24_832, 119_360, 154_176, 1_353_792],
    ['6.18', 23_872, 127_360, 162_816, 1_418_496],
  ] as const)
    machines.forEach((machine, i) => {
      t.equal(
        memcgBytes(engineOf(kernel, machine)),
        bytes[i],
        `${kernel} on ${machine.cpus} CPUs, ${machine.nodes} nodes`,
      )
    })
  t.end()
})
