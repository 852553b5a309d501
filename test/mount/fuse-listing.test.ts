/** How directory entries are packed into the answers to READDIR and READDIRPLUS. */
import t from 'tap'
import { lifetime } from '../../mount/fuse/attributes.ts'
import { Exchange } from '../../mount/fuse/exchange.ts'
import { readdir, readdirplus } from '../../mount/fuse/operations/listing.ts'
import { PendingWrites } from '../../mount/fuse/pending.ts'
import { RequestCaller } from '../../mount/host/caller.ts'
import { ENOENT, OK } from '../../src/errno.ts'
import type { Door, NodeId } from '../../src/kernfs/door.ts'

const ENTRIES = [
  { name: '.', node: 1, isDirectory: true },
  { name: '..', node: 1, isDirectory: true },
  { name: 'seven77', node: 7, isDirectory: false },
  { name: 'eight888', node: 8, isDirectory: true },
  { name: 'gone', node: 9, isDirectory: false },
]
const remembered: NodeId[] = []

/** Only what a listing needs. Node 9 vanishes between being listed and being looked at. */
const door = {
  readdir(_node, cookie, emit) {
    for (const [i, { name, node, isDirectory }] of ENTRIES.entries()) {
      if (i >= cookie && !emit(name, node, node, isDirectory, i + 1)) break
    }
    return OK
  },
  getattr: node => (node === 9 ? ENOENT : OK),
  remember: node => void remembered.push(node),
} satisfies Partial<Door> as unknown as Door

const x = new Exchange({
  door,
  caller: new RequestCaller(),
  pending: new PendingWrites(),
  lifetime: lifetime(1),
  poked: () => undefined,
})

function ask(operation: typeof readdir, cookie: number, room: number): Buffer {
  x.request.bytes.writeBigUInt64LE(BigInt(cookie), 40 + 8)
  x.request.bytes.writeUInt32LE(room, 40 + 16)
  x.reply.bytes.fill(0xee)
  return x.reply.bytes.subarray(16, 16 + operation(x))
}

t.test('entries are padded to 8 bytes, and the one that does not fit is left for the next request', async t => {
  // 24 bytes and the name: `.`, `..` and `seven77` take 32 bytes each, `eight888` just so.
  t.equal(ask(readdir, 0, 4096).length, 4 * 32 + 32)
  t.equal(ask(readdir, 0, 127).length, 3 * 32)
  t.equal(ask(readdir, 0, 128).length, 4 * 32)
  t.equal(ask(readdir, 3, 32).length, 32)
  t.equal(ask(readdir, 3, 31).length, 0)
  t.equal(ask(readdir, 5, 4096).length, 0, 'the end')
  const entry = ask(readdir, 2, 32)
  t.same([entry.readBigUInt64LE(0), entry.readBigUInt64LE(8)], [7n, 3n])
  t.same([entry.readUInt32LE(16), entry.readUInt32LE(20)], [7, 8])
  t.equal(entry.toString('latin1', 24, 31), 'seven77')
  t.same(remembered, [], 'a plain listing hands out no node')
})

t.test('with attributes each node counts as a look-up, the dots and what is gone do not', async t => {
  const listing = ask(readdirplus, 0, 4096)
  t.equal(listing.length, 5 * (128 + 32))
  const nodes = [0, 1, 2, 3, 4].map(i => Number(listing.readBigUInt64LE(i * 160)))
  t.same(nodes, [0, 0, 7, 8, 0])
  t.same(remembered, [7, 8])
  t.equal(listing.readUInt32LE(3 * 160 + 128 + 20), 4, 'the type of a directory')
})
