/** Files that change by themselves, as inotify(7) sees them. */
import { constants, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startClient } from './syscalls.ts'
import { cannotMount, emptyDirectory, mountToy, startDaemon, WITHOUT_KOFFI } from './toy.ts'

const IN_MODIFY = 0x2
const IN_CLOSE_WRITE = 0x8
const IN_OPEN = 0x20
const IN_CREATE = 0x100
const IN_DELETE = 0x200
const IN_ISDIR = 0x40000000
const IN_ALL_EVENTS = 0xfff
/** So long after the last event there is none. */
const QUIET_MS = 300

t.test('inotify', { skip: cannotMount }, async t => {
  const session = await mountToy(t)
  const client = await startClient(t)
  const at = (path: string): string => join(session.dir, path)
  readFileSync(at('toy.events')) // A name that was never looked up has no directory to tell.
  const inotify = Number(await client.call('inotify_init1', 0))
  const onFile = await client.call('inotify_add_watch', inotify, at('toy.events'), IN_ALL_EVENTS)
  const onDirectory = await client.call('inotify_add_watch', inotify, session.dir, IN_ALL_EVENTS)

  t.test('watchers of the file and of its directory get IN_MODIFY and nothing else', async t => {
    const { mtimeMs } = statSync(at('toy.events'))
    session.callSync({ do: 'event' })
    const events = await client.special('inotifyRead', inotify, QUIET_MS)
    t.same(events, [
      { watch: onDirectory, mask: IN_MODIFY, name: 'toy.events' },
      { watch: onFile, mask: IN_MODIFY, name: '' },
    ])
    t.equal(statSync(at('toy.events')).mtimeMs, mtimeMs, 'the file was not really written')
  })

  t.test('no change is lost when many come at once, and few events tell of them', async t => {
    for (let i = 0; i < 200; i++) session.callSync({ do: 'event' })
    const events = await client.special('inotifyRead', inotify, QUIET_MS)
    t.ok(events.length >= 2 && events.length <= 400)
    t.ok(events.every(({ mask }) => mask === IN_MODIFY))
  })

  t.test('a change by somebody who is just writing to the file does not stop the mount', async t => {
    const fd = await client.call('open', at('toy.slow'), constants.O_WRONLY, 0)
    const waiting = client.call('write', Number(fd), '100', 3)
    session.callSync({ do: 'touch', name: 'toy.slow' })
    t.equal(session.callSync({ do: 'echo', value: 7 }), 7)
    t.equal(await waiting, 3)
  })

  t.test('directories come and go as with any filesystem', async t => {
    await client.special('inotifyRead', inotify, QUIET_MS)
    await client.call('mkdir', at('a'), 0o755)
    await client.call('rmdir', at('a'))
    const events = await client.special('inotifyRead', inotify, QUIET_MS)
    t.same(
      events.map(({ mask, name }) => [mask, name]),
      [
        [IN_CREATE | IN_ISDIR, 'a'],
        [IN_DELETE | IN_ISDIR, 'a'],
      ],
    )
  })
})

t.test('without koffi they see the file opened and closed, too', { skip: cannotMount }, async t => {
  const dir = emptyDirectory(t)
  const daemon = await startDaemon(t, dir, { nodeFlags: WITHOUT_KOFFI })
  t.equal(daemon.line, 'ready')
  const client = await startClient(t)
  const inotify = Number(await client.call('inotify_init1', 0))
  await client.call('inotify_add_watch', inotify, join(dir, 'toy.events'), IN_ALL_EVENTS)
  writeFileSync(join(dir, 'toy.later'), '1')
  const events = await client.special('inotifyRead', inotify, QUIET_MS)
  t.same(
    events.map(({ mask }) => mask),
    [IN_OPEN, IN_MODIFY, IN_CLOSE_WRITE],
  )
})
