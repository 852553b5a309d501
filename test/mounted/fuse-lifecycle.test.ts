/** How a mount begins and ends in good order, calls to what is mounted, and refusals. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mountedOn } from '../../mount/fuse/mountinfo.ts'
import { mountFuse } from '../../mount/fuse/session.ts'
import { mountedHere, unmountPath } from '../../mount/fuse/unmount-path.ts'
import { startClient } from './syscalls.ts'
import { cannotMount, emptyDirectory, mountToy, toyFactory } from './toy.ts'

const O_RDONLY = 0

t.test('a mount in good order', { skip: cannotMount }, async t => {
  t.test('is shown as what it is, and is gone after unmounting', async t => {
    const session = await mountToy(t)
    t.equal(mountedOn(session.dir)?.type, 'fuse.memcgfs')
    t.ok(existsSync(join(session.dir, 'toy.value')))
    await session.unmount()
    t.equal(mountedOn(session.dir), undefined)
    await session.closed
    await session.unmount() // Once more does no harm.
  })

  t.test('ends when somebody else unmounts it', async t => {
    const session = await mountToy(t, { unref: false })
    execFileSync('umount', [session.dir])
    await session.closed
    await t.rejects(session.call({ do: 'echo' }), { code: 'EBUSY' })
  })

  t.test('that is used is unmounted by force, or not at all', async t => {
    const session = await mountToy(t)
    const client = await startClient(t)
    const fd = Number(await client.call('open', join(session.dir, 'toy.value'), O_RDONLY, 0))
    await t.rejects(session.unmount({ force: false }), { code: 'EBUSY', message: /in use/ })
    t.equal(await client.read(fd), '0\n', 'it goes on')
    t.equal(session.callSync({ do: 'echo', value: 1 }), 1)
    await session.unmount()
    t.equal(mountedOn(session.dir), undefined)
    t.equal(await client.read(fd, 10, 0), 'ENOTCONN')
  })

  t.test('that something else covers is left alone', async t => {
    const session = await mountToy(t)
    execFileSync('mount', ['-t', 'tmpfs', 'none', session.dir])
    t.teardown(() => {
      if (mountedOn(session.dir)?.type === 'tmpfs') execFileSync('umount', [session.dir])
    })
    await t.rejects(session.unmount(), { code: 'EBUSY', message: /mounted over it/ })
    t.throws(() => session.callSync({ do: 'echo' }), { code: 'EBUSY' })
    execFileSync('umount', [session.dir])
    t.equal(await session.call({ do: 'echo', value: 1 }), 1)
  })
})

t.test('a mount point with an unusual name', { skip: cannotMount }, async t => {
  const dir = join(emptyDirectory(t), 'a b\\c\n-\u00e4')
  mkdirSync(dir)
  const session = await mountFuse(dir, { factory: toyFactory, unref: true })
  t.equal(mountedOn(dir)?.type, 'fuse.memcgfs')
  await t.rejects(mountFuse(dir, { factory: toyFactory }), { code: 'EBUSY' })
  await session.unmount()
  rmdirSync(dir)
})

t.test('unmounting by path, as another process does', { skip: cannotMount }, async t => {
  const session = await mountToy(t, { unref: false })
  t.ok(mountedHere(session.dir))
  t.notOk(mountedHere('/tmp'))
  await t.rejects(unmountPath('/tmp', { lazy: false }), { code: 'EINVAL', message: /no memcgfs/ })
  const client = await startClient(t)
  const fd = Number(await client.call('open', join(session.dir, 'toy.value'), O_RDONLY, 0))
  await t.rejects(unmountPath(session.dir, { lazy: false }), { code: 'EBUSY' })
  await unmountPath(session.dir, { lazy: true })
  await session.closed
  t.equal(await client.read(fd, 10, 0), 'ENOTCONN')
})

t.test('calls', { skip: cannotMount }, async t => {
  const session = await mountToy(t)

  t.test('bring a message to the service and its answer back', async t => {
    t.same(await session.call({ do: 'echo', value: { a: [1, 'b', new Uint8Array(3)] } }), {
      a: [1, 'b', new Uint8Array(3)],
    })
    t.equal(session.callSync({ do: 'echo', value: 5 }), 5)
    const many = Array.from({ length: 100 }, (_, i) => session.call({ do: 'echo', value: i }))
    t.equal(session.callSync({ do: 'echo', value: 'in between' }), 'in between')
    t.same(
      await Promise.all(many),
      Array.from({ length: 100 }, (_, i) => i),
    )
  })

  t.test('throw what the service throws', async t => {
    await t.rejects(session.call({ do: 'fail', text: 'no' }), { message: 'no' })
    t.throws(() => session.callSync({ do: 'fail', text: 'no' }), { message: 'no' })
    await t.rejects(session.call({ do: 'uncloneable' }), { name: 'DataCloneError' })
  })
})

t.test('a directory that cannot be mounted on is refused with the reason', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const file = join(dir, 'file')
  writeFileSync(file, '')
  t.teardown(() => rmSync(file))
  const mount = (path: string): Promise<unknown> => mountFuse(path, { factory: toyFactory, unref: true })
  await t.rejects(mount(join(dir, 'none')), { code: 'ENOENT', message: /no such directory/ })
  await t.rejects(mount(file), { code: 'ENOTDIR', message: /not a directory/ })
  await t.rejects(mount(join(file, 'sub')), { code: 'ENOTDIR' })
  const session = await mountToy(t)
  await t.rejects(mount(session.dir), { code: 'EBUSY', message: /mounted there already/ })
  t.equal(readFileSync(join(session.dir, 'toy.value'), 'latin1'), '0\n')
  await t.rejects(mountFuse(dir, { factory: 'file:///none.ts' }), { code: 'ERR_MODULE_NOT_FOUND' })
})
