/**
 * bench-client.c for machines without a C compiler: the same cases, in turns, in the same form. Its own work adds some
 * microseconds to every figure, so ratios come out nearer to 1 than they are.
 */
import * as fs from 'node:fs'
import { batchesInTurns, type Case } from './bench-batches.ts'

const VALUE = '1G\n'
const trees: { dir: string; read: string; write: string }[] = []
for (let i = 2; i + 2 < process.argv.length; i += 3) {
  const [dir, toRead, toWrite] = process.argv.slice(i, i + 3) as [string, string, string]
  trees.push({ dir, read: `${dir}/${toRead}`, write: `${dir}/${toWrite}` })
}

const text = Buffer.alloc(4096)
const casesOf = ({ dir, read, write }: (typeof trees)[number]): Case[] => {
  const held = fs.openSync(read, 'r')
  return [
    { name: 're-read', step: () => void fs.readSync(held, text, 0, text.length, 0) },
    {
      name: 'open+read+close',
      step: () => {
        const fd = fs.openSync(read, 'r')
        fs.readSync(fd, text, 0, text.length, 0)
        fs.closeSync(fd)
      },
    },
    {
      name: 'open+write+close',
      step: () => {
        const fd = fs.openSync(write, 'w')
        fs.writeSync(fd, VALUE)
        fs.closeSync(fd)
      },
    },
    { name: 'stat', step: () => void fs.statSync(read) },
    {
      name: 'mkdir+rmdir',
      step: () => {
        fs.mkdirSync(`${dir}/bench`)
        fs.rmdirSync(`${dir}/bench`)
      },
    },
    { name: 'ls -l', step: () => fs.readdirSync(dir).forEach(name => void fs.lstatSync(`${dir}/${name}`)) },
  ]
}

for (const [name, figures] of batchesInTurns(trees.map(casesOf)))
  console.log([name, ...figures.map(us => us.toFixed(2))].join('\t'))
