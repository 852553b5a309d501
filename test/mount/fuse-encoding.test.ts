/** The protocol's structures, byte by byte: expected layouts are those of include/uapi/linux/fuse.h. */
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { lifetime, putAttributes, putEntry } from '../../mount/fuse/attributes.ts'
import { Device } from '../../mount/fuse/device.ts'
import { shakeHands } from '../../mount/fuse/handshake.ts'
import { PendingWrites } from '../../mount/fuse/pending.ts'
import { INIT_FLAGS, OP } from '../../mount/fuse/protocol.ts'
import { Reply } from '../../mount/fuse/reply.ts'
import { Request } from '../../mount/fuse/request.ts'
import { emptyAttributes } from '../../src/kernfs/door.ts'

t.test('numbers of 64 bits keep their value both ways', async t => {
  const reply = new Reply(16)
  for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -7, -(2 ** 32), -(2 ** 40) - 3]) {
    reply.setU64(8, value)
    t.equal(reply.bytes.readBigInt64LE(16 + 8), BigInt(value))
    const request = new Request()
    request.bytes.writeBigInt64LE(BigInt(value), 40 + 8)
    t.equal(request.i64(8), value)
    if (value >= 0) t.equal(request.u64(8), value)
  }
})

t.test('a header is read and answered', async t => {
  const request = requestOf(OP.rename2, 2 ** 40 + 5, Buffer.from('________0123____old\0new name\0'))
  request.bytes.writeBigUInt64LE(0xfedcba9876543210n, 8)
  t.equal(request.opcode, 45)
  t.equal(request.node, 2 ** 40 + 5)
  t.equal(request.nameEnd(16), 19)
  t.equal(request.nameUpTo(16, 19), 'old')
  t.equal(request.name(20), 'new name')
  const reply = new Reply(8)
  const length = reply.seal(-22, 0, request.uniqueLow, request.uniqueHigh)
  t.equal(reply.bytes.subarray(0, length).toString('hex'), '10000000eaffffff1032547698badcfe')
})

t.test('names are byte strings', async t => {
  const request = requestOf(OP.lookup, 1, Buffer.from([0xff, 0x61, 0xc3, 0xa4, 0]))
  t.equal(request.name(0), '\u00ffa\u00c3\u00a4')
  const reply = new Reply(8)
  t.equal(reply.setName(0, request.name(0)), 4)
  t.same([...reply.bytes.subarray(16, 20)], [0xff, 0x61, 0xc3, 0xa4])
})

t.test('attributes and entries are where the kernel looks for them', async t => {
  const attributes = {
    ...emptyAttributes(),
    ino: 2 ** 33 + 1,
    mode: 0o40755,
    nlink: 3,
    uid: 1000,
    gid: 1001,
    atimeSec: 11,
    atimeNsec: 12,
    mtimeSec: -13,
    mtimeNsec: 14,
    ctimeSec: 15,
    ctimeNsec: 16,
  }
  const reply = new Reply(128)
  reply.bytes.fill(0xee) // What an earlier reply has left must not show.
  t.equal(putEntry(reply, 0, 77, attributes, lifetime(2.5)), 128)
  const entry = reply.bytes.subarray(16)
  const u64 = (at: number): bigint => entry.readBigInt64LE(at)
  t.same([0, 8, 16, 24].map(u64), [77n, 0n, 2n, 2n])
  t.same(
    [32, 36].map(at => entry.readUInt32LE(at)),
    [500_000_000, 500_000_000],
  )
  t.same([40, 48, 56, 64, 72, 80].map(u64), [2n ** 33n + 1n, 0n, 0n, 11n, -13n, 15n])
  const words = [88, 92, 96, 100, 104, 108, 112, 116, 120, 124].map(at => entry.readUInt32LE(at))
  t.same(words, [12, 14, 16, 0o40755, 3, 1000, 1001, 0, 4096, 0])

  t.equal(putAttributes(reply, attributes, lifetime(3600)), 104)
  t.equal(u64(0), 3600n)
  t.equal(entry.readUInt32LE(8), 0)
  t.equal(u64(16), 2n ** 33n + 1n)
})

t.test('INIT is answered with what both sides know', async t => {
  const file = join(tmpdir(), `memcgfs-init-${process.pid}`)
  t.teardown(() => rmSync(file))
  const body = Buffer.alloc(64)
  body.writeUInt32LE(7, 0)
  body.writeUInt32LE(45, 4)
  body.writeUInt32LE(65536, 8)
  body.writeUInt32LE(INIT_FLAGS.atomicTruncate | INIT_FLAGS.readdirplus | (1 << 0) | (1 << 16), 12)
  const { bytes, length } = requestOf(OP.init, 0, body)
  writeFileSync(file, bytes.subarray(0, length))
  const device = new Device(openSync(file, 'r+')) // What is read is the request, what is written comes after it.
  t.equal(shakeHands(device), 45)
  device.close()
  const reply = readFileSync(file).subarray(length)
  t.equal(reply.length, 16 + 64)
  const u32 = (at: number): number => reply.readUInt32LE(16 + at)
  t.same([u32(0), u32(4), u32(8)], [7, 38, 65536])
  t.equal(u32(12), INIT_FLAGS.atomicTruncate | INIT_FLAGS.readdirplus, 'nothing that was not offered or not wanted')
  t.same([u32(16), u32(20), u32(24), u32(28)], [0, 128 * 1024, 1, 0])
})

t.test('pending writes are found by the number of their request, and answered once', async t => {
  const pending = new PendingWrites()
  pending.add(1, 10, 0)
  pending.add(2, 10, 1)
  t.equal(pending.find(10, 1), 2)
  t.equal(pending.find(11, 0), undefined)
  t.same(pending.take(2), { low: 10, high: 1 })
  t.equal(pending.take(2), undefined)
})

function requestOf(opcode: number, node: number, body: Buffer): Request {
  const request = new Request()
  request.bytes.writeUInt32LE(40 + body.length, 0)
  request.bytes.writeUInt32LE(opcode, 4)
  request.bytes.writeBigUInt64LE(BigInt(node), 16)
  body.copy(request.bytes, 40)
  return request
}
