/** When the loop asks to be woken for deferred work. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { Mailbox } from '../../mount/fuse/mailbox.ts'
import type { Notices } from '../../mount/fuse/notices.ts'
import type { Service } from '../../mount/fuse/service.ts'
import { milliseconds } from '../../src/units.ts'

const NEVER = Number.POSITIVE_INFINITY

t.test('the attendant is asked for a poke only when none comes early enough', async t => {
  const { port1: main } = new MessageChannel()
  const { port1: attendant, port2: asked } = new MessageChannel()
  const mailbox = new Mailbox({ service: {} as Service, notices: {} as Notices, main, attendant })
  const ask = (dueMs: number, nowMs: number): unknown => {
    mailbox.wakeBy(milliseconds(dueMs), milliseconds(nowMs))
    return receiveMessageOnPort(asked)?.message
  }

  t.equal(ask(NEVER, 0), undefined, 'nothing is due')
  t.same(ask(100, 0), { kind: 'dueIn', milliseconds: 100 })
  t.equal(ask(100, 1), undefined, 'once is enough')
  t.equal(ask(150, 2), undefined, 'a poke comes before that')
  t.same(ask(50, 3), { kind: 'dueIn', milliseconds: 47 })
  t.same(ask(5, 4), { kind: 'dueIn', milliseconds: 10 }, 'never sooner than in 10 ms')
  for (let now = 5; now < 14; now++) t.equal(ask(now + 1, now), undefined, 'not again with every request')

  asked.postMessage({ kind: 'due' })
  mailbox.takeMessages()
  t.same(ask(300, 20), { kind: 'dueIn', milliseconds: 280 }, 'the timer has run out')
  for (const port of [main, attendant]) port.close()
})
