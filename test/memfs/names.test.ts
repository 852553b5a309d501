/** Names between JavaScript strings and bytes. */
import { Buffer } from 'node:buffer'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { createCgroupFs } from '../../mount/index.ts'
import { carryPath, escapeBytes, fromByteString, showPath, toByteString } from '../../mount/memfs/names.ts'

/** Every byte that can stand in a name, with the beginnings and ends of multi-byte sequences in disorder. */
const RAGGED = Buffer.from([
  0xff, 0x80, 0xe6, 0x97, 0x20, 0xc3, 0xbc, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xb2, 0x80,
]).toString('latin1')

t.test('text is UTF-8 inside', async t => {
  t.equal(toByteString('/a b'), '/a b')
  t.equal(toByteString('/ü'), '/Ã¼')
  t.equal(toByteString('/😀'), '/\xf0\x9f\x98\x80')
  t.equal(fromByteString('/Ã¼'), '/ü')
  t.same(fromByteString('/Ã¼', 'buffer'), Buffer.from('/ü'))
  t.equal(fromByteString('Ã¼', 'hex'), 'c3bc')
})

t.test('bytes that are no UTF-8 pass memfs unchanged', async t => {
  t.equal(toByteString(escapeBytes(RAGGED)), RAGGED)
  for (let byte = 1; byte < 256; byte++) {
    const name = String.fromCharCode(byte)
    t.equal(toByteString(escapeBytes(name)), name)
  }
  t.equal(escapeBytes('Ã¼'), 'ü', 'UTF-8 is shown as what it is')
  t.equal(toByteString(carryPath(Buffer.from(RAGGED, 'latin1')) as string), RAGGED)
  t.equal(showPath('/a\udcff'), '/a\ufffd')
  t.equal(showPath('/😀'), '/😀')
})

t.test('a string with half a surrogate pair becomes what Node makes of it', async t => {
  t.equal(toByteString(carryPath('/\udc80') as string), Buffer.from('/\udc80').toString('latin1'))
})

t.test('paths of every form lead to the same file', async t => {
  const { fs } = createCgroupFs()
  fs.mkdirSync('/ü')
  t.ok(fs.existsSync(Buffer.from('/ü')))
  t.ok(fs.existsSync(new Uint8Array(Buffer.from('/ü')) as Buffer))
  t.ok(fs.existsSync(pathToFileURL('/ü')))
  t.ok(fs.existsSync('ü'), 'a relative path begins at the root')
  t.ok((await fs.promises.stat(Buffer.from('/ü/cgroup.procs'))).isFile())
  t.throws(() => fs.statSync('/a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => fs.statSync({} as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
