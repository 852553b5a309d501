/** Names that appear and vanish without a mkdir or rmdir: the kernel must not answer from its cache. */
import {
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startClient } from './syscalls.ts'
import { cannotMount, mountToy } from './toy.ts'

for (const invalidation of ['epoch', 'entries'] as const) {
  t.test(`names invalidated by ${invalidation}`, { skip: cannotMount }, async t => {
    const session = await mountToy(t, { invalidation })
    const at = (path: string): string => join(session.dir, path)
    const optional = at('a/toy.optional')
    mkdirSync(at('a'))

    t.test('a write makes them appear and vanish before it returns', async t => {
      for (let i = 0; i < 20; i++) {
        writeFileSync(at('toy.names'), '1')
        t.equal(readFileSync(optional, 'latin1'), 'here\n')
        t.ok(readdirSync(at('a')).includes('toy.optional'))
        writeFileSync(at('toy.names'), '0')
        t.throws(() => readFileSync(optional), { code: 'ENOENT' })
        t.throws(() => statSync(optional), { code: 'ENOENT' })
      }
    })

    t.test('so does a call, and a synchronous one', async t => {
      await session.call({ do: 'optional', exist: true })
      t.ok(existsSync(optional))
      await session.call({ do: 'optional', exist: false })
      t.notOk(existsSync(optional))
      session.callSync({ do: 'optional', exist: true })
      t.ok(existsSync(optional))
      session.callSync({ do: 'optional', exist: false })
      t.notOk(existsSync(optional))
    })

    t.test('a directory can be worked in meanwhile', async t => {
      const clients = await Promise.all([1, 2, 3, 4].map(() => startClient(t)))
      const rounds = 200
      const churn = async (i: number): Promise<void> => {
        const client = clients[i]!
        for (let round = 0; round < rounds; round++) {
          await client.call('mkdir', at(`a/${i}-${round}`), 0o755)
          await client.call('open', at(`a/none-${round}`), constants.O_RDONLY, 0)
          await client.call('rmdir', at(`a/${i}-${round}`))
        }
      }
      const flip = async (): Promise<void> => {
        const client = clients[3]!
        const fd = Number(await client.call('open', at('toy.names'), constants.O_WRONLY, 0))
        for (let round = 0; round < rounds; round++) await client.call('write', fd, String(round % 2), 1)
      }
      await Promise.all([churn(0), churn(1), churn(2), flip()])
      t.notOk(readdirSync(at('a')).some(name => !name.startsWith('toy.')))
    })

    t.teardown(() => rmdirSync(at('a')))
  })
}

t.test('with a lifetime of 0 the kernel asks every time', { skip: cannotMount }, async t => {
  const session = await mountToy(t, { lifetimeSec: 0 })
  const requests = (): number => Number(session.callSync({ do: 'requests' }))
  const path = join(session.dir, 'toy.value')
  statSync(path)
  const before = requests()
  statSync(path)
  t.ok(requests() - before >= 3, 'LOOKUP and GETATTR, besides the STATFS of the call')
})

t.test('with the default lifetime it does not', { skip: cannotMount }, async t => {
  const session = await mountToy(t)
  const requests = (): number => Number(session.callSync({ do: 'requests' }))
  const path = join(session.dir, 'toy.value')
  statSync(path)
  const before = requests()
  for (let i = 0; i < 10; i++) statSync(path)
  t.equal(
    requests() - before,
    2,
    'GETATTR of the root, which a call makes the kernel forget, and the STATFS of the call',
  )
})
