import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ClientId, SessionId, Subject } from '@pawl/family'
import { opened, rotated, seededEntropy, settableClock, startMs } from '../../store/contract/fixture.test.ts'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { type Background, background } from '../background.ts'
import { StoreUnavailable } from '../store.ts'
import { type Attempt, firstPauseSeconds } from './attempt.ts'
import {
  attemptsPerClientMax,
  attemptsTogetherMax,
  type Channel,
  claimSeconds,
  type Courier,
  courier,
  type CourierParts,
  restSecondsMax,
} from './courier.ts'
import {
  type Delivery,
  deliveryAgeSecondsMax,
  deliveryAttemptsMax,
  type OutboxStore,
  pendingDeliveriesMax,
} from './outbox.ts'

const sessionId = 'session-1' as SessionId
const subject = 'user-1' as Subject

interface Sent {
  readonly delivery: Delivery
  readonly answer: (attempt: Attempt) => void
}

/** A store, an outside that the test speaks for, and as many couriers as it wants. */
async function world(test: TestContext, answers: (delivery: Delivery) => Attempt | null = () => taken) {
  const clock = settableClock(startMs)
  const entropy = seededEntropy(test.name)
  const store = await openSqliteStore({ path: ':memory:', clock, entropy })
  const errors: unknown[] = []
  const tasks: Background = background(error => errors.push(error))
  test.after(async () => {
    await tasks.drain()
    await store.close()
  })
  const sent: Sent[] = []
  const channel: Channel = {
    plan: async ({ reason }, readings) =>
      [...new Set(readings.map(({ family }) => family.grant.clientId))].map(id => deliveryTo(id, reason)),
    send: delivery =>
      new Promise(resolve => {
        sent.push({ delivery, answer: resolve })
        const answer = answers(delivery)
        if (answer !== null) resolve(answer)
      }),
  }
  const hire = (outbox: OutboxStore = store.outbox): Courier => {
    const parts: CourierParts = {
      outbox,
      families: store.families,
      channels: { backchannel_logout: channel },
      background: tasks,
      entropy,
      nowMs: () => store.now(),
    }
    return courier(parts)
  }
  const open = (clientId: string, grant = {}) =>
    opened({ store, entropy }, {}, { clientId: clientId as ClientId, sessionId, subject, ...grant })
  const end = (reason = 'signed out') => store.sessions.end(sessionId, 'logout', reason, [])
  const failures = async () => (await store.events.latest(1000)).filter(({ kind }) => kind === 'delivery_failed')
  return { store, clock, entropy, tasks, errors, sent, hire, open, end, failures }
}

const taken: Attempt = { kind: 'taken', result: '200' }
const refused: Attempt = { kind: 'not_taken', result: '503' }

function deliveryTo(clientId: ClientId, reason: string, name = 'one'): Delivery {
  return {
    id: `${name} ${clientId}`,
    channel: 'backchannel_logout',
    clientId,
    subject,
    sessionId,
    reason,
    createdAtMs: startMs,
    state: 'pending',
    attempts: 0,
    nextAtMs: startMs,
    lastAtMs: null,
    lastResult: null,
  }
}

describe('a courier', () => {
  it('tells each client of a session once, however many families it opened there', async test => {
    const { store, entropy, tasks, errors, sent, hire, open, end } = await world(test)
    for (let round = 0; round < 300; round++) for (const name of ['a', 'b']) await open(name)
    await rotated({ store, entropy }, await open('c'))
    await open('d', { sessionId: 'session-2' })
    await end()
    hire().wake()
    await tasks.drain()
    assert.deepEqual(sent.map(({ delivery }) => delivery.clientId).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(await store.outbox.notices(10), [])
    const records = await store.outbox.list(null, 10)
    assert.deepEqual(
      records.map(({ state, attempts, lastResult, reason }) => [state, attempts, lastResult, reason]),
      Array.from({ length: 3 }, () => ['delivered', 1, '200', 'signed out']),
    )
    assert.deepEqual(errors, [])
  })

  it('shares its work with others, and none sends what another has', async test => {
    const { store, tasks, sent, hire, open, end } = await world(test)
    const names = Array.from({ length: 40 }, (_, at) => `client-${at}`)
    for (const name of names) await open(name)
    await end()
    for (const each of [hire(), hire(), hire()]) each.wake()
    await tasks.drain()
    assert.deepEqual(sent.map(({ delivery }) => delivery.clientId).toSorted(), names.toSorted())
    assert.equal((await store.outbox.list('delivered', 100)).length, names.length)
  })

  it('comes again after a pause to whom it could not tell, and is done when it can', async test => {
    let isUp = false
    const { store, clock, tasks, sent, hire, open, end, failures } = await world(test, () => (isUp ? taken : refused))
    await open('a')
    await end()
    const one = hire()
    one.wake()
    await tasks.drain()
    const [waiting] = await store.outbox.list('pending', 10)
    assert.deepEqual([waiting?.attempts, waiting?.lastResult], [1, '503'])
    const pauseMs = (waiting?.nextAtMs ?? 0) - (waiting?.lastAtMs ?? 0)
    assert.ok(pauseMs >= firstPauseSeconds * 500 && pauseMs <= firstPauseSeconds * 1000, `${pauseMs}`)
    clock.set((waiting?.nextAtMs ?? 0) - 1)
    one.wake()
    await tasks.drain()
    assert.equal(sent.length, 1)
    isUp = true
    clock.advance(1)
    one.wake()
    await tasks.drain()
    assert.equal(sent.length, 2)
    assert.equal((await store.outbox.list('delivered', 10)).length, 1)
    assert.deepEqual(await failures(), [])
  })

  it('gives up after so many attempts, with one event', async test => {
    const { store, clock, tasks, sent, hire, open, end, failures } = await world(test, () => refused)
    await open('a')
    await end()
    const one = hire()
    for (let attempt = 0; attempt < deliveryAttemptsMax; attempt++) {
      assert.deepEqual(await failures(), [])
      one.wake()
      await tasks.drain()
      const [waiting] = await store.outbox.list('pending', 1)
      // A client that is away rests, for its delivery's pause or the longest rest; then it is asked again.
      if (waiting !== undefined) clock.set(Math.max(waiting.nextAtMs, clock.nowMs() + restSecondsMax * 1000))
    }
    assert.equal(sent.length, deliveryAttemptsMax)
    const [event, ...others] = await failures()
    assert.deepEqual(others, [])
    assert.deepEqual([event?.clientId, event?.subject, event?.sessionId], ['a', subject, sessionId])
    const { channel, reason, attempts, result } = event?.detail ?? {}
    assert.deepEqual(
      [channel, reason, attempts, result],
      ['backchannel_logout', 'signed out', deliveryAttemptsMax, '503'],
    )
    clock.advance(86_400_000)
    one.wake()
    await tasks.drain()
    assert.equal(sent.length, deliveryAttemptsMax)
  })
})

describe('a client that is slow or away', () => {
  it('gets few attempts at a time, and others get theirs', async test => {
    const { store, tasks, sent, hire, end } = await world(test, () => null)
    const many = Array.from({ length: 10 }, (_, at) => deliveryTo('slow' as ClientId, 'x', `slow-${at}`))
    const others = Array.from({ length: 30 }, (_, at) => deliveryTo(`other-${at}` as ClientId, 'x'))
    await end()
    const [notice] = await store.outbox.notices(1)
    assert.ok(notice !== undefined)
    const late = others.map(each => ({ ...each, nextAtMs: startMs + 1 }))
    await store.outbox.spread(notice, [...many, ...late], null, [])
    hire().wake()
    await reached(() => sent.length === attemptsTogetherMax)
    assert.equal(sent.filter(({ delivery }) => delivery.clientId === 'slow').length, attemptsPerClientMax)
    let answered = 0
    while (answered < many.length + others.length) {
      await reached(() => sent.length > answered)
      for (const { answer } of sent.slice(answered)) answer(taken)
      answered = sent.length
    }
    await tasks.drain()
    assert.equal((await store.outbox.list('delivered', 100)).length, 40)
  })

  it('is left alone for a while after it did not answer', async test => {
    const answers = ({ clientId }: Delivery) => (clientId === 'away' ? refused : taken)
    const { store, clock, tasks, sent, hire, end } = await world(test, answers)
    const many = Array.from({ length: 30 }, (_, at) => deliveryTo('away' as ClientId, 'x', `away-${at}`))
    await end()
    const [notice] = await store.outbox.notices(1)
    assert.ok(notice !== undefined)
    await store.outbox.spread(notice, [...many, deliveryTo('here' as ClientId, 'x')], null, [])
    const one = hire()
    one.wake()
    await tasks.drain()
    const toAway = () => sent.filter(({ delivery }) => delivery.clientId === 'away').length
    assert.equal(toAway(), attemptsPerClientMax)
    assert.equal(sent.length - toAway(), 1)
    clock.advance(restSecondsMax * 1000)
    one.wake()
    await tasks.drain()
    assert.equal(toAway(), 2 * attemptsPerClientMax)
  })
})

describe('what a courier finds', () => {
  it('is tried again when the claim of one that died has run out', async test => {
    const { store, clock, tasks, sent, hire, open, end } = await world(test, () => null)
    await open('a')
    await end()
    const dead = hire()
    dead.wake()
    await reached(() => sent.length === 1)
    const [claimed] = await store.outbox.list('pending', 1)
    const untilMs = claimed?.nextAtMs ?? 0
    assert.ok(untilMs - (await store.now()) <= claimSeconds * 1000)
    const [early, late] = [hire(), hire()]
    clock.set(untilMs - 1)
    early.wake()
    await reached(async () => (await store.outbox.due(await store.now(), [], 1)).length === 0)
    assert.equal(sent.length, 1)
    clock.set(untilMs)
    late.wake()
    await reached(() => sent.length === 2)
    sent[1]?.answer(taken)
    await reached(async () => (await store.outbox.list('delivered', 1)).length === 1)
    sent[0]?.answer(refused)
    await tasks.drain()
    const [record] = await store.outbox.list(null, 1)
    assert.deepEqual([record?.state, record?.attempts], ['delivered', 2], 'what comes late changes nothing')
  })

  it('is spread no further while too much waits, and what waits is sent all the same', async test => {
    const { store, tasks, sent, hire, open, end } = await world(test)
    await open('a')
    await end('first')
    hire().wake()
    await tasks.drain()
    await store.cutOffs.set({ target: { kind: 'user', subject }, reason: 'second', by: 'rule', beforeMs: null }, [])
    const full = { ...store.outbox, countPending: async () => pendingDeliveriesMax }
    hire(full).wake()
    await tasks.drain()
    assert.equal(sent.length, 1)
    assert.equal((await store.outbox.notices(10)).length, 1)
  })

  it('is counted with others at once, and is spread only as far as there is room', async test => {
    const { store, tasks, sent, hire, open } = await world(test)
    await open('a')
    for (const reason of ['first', 'second', 'third']) {
      await store.cutOffs.set({ target: { kind: 'user', subject }, reason, by: 'rule', beforeMs: null }, [])
      await store.sessions.end(`session-${reason}` as SessionId, 'logout', reason, [])
    }
    let counts = 0
    const nearlyFull: OutboxStore = {
      ...store.outbox,
      countPending: async () => {
        counts += 1
        return pendingDeliveriesMax - 1
      },
    }
    assert.equal((await store.outbox.notices(10)).length, 4)
    hire(nearlyFull).wake()
    await tasks.drain()
    assert.equal(counts, 1)
    assert.equal(sent.length, 1, 'the one that there was room for')
    assert.deepEqual(
      (await store.outbox.notices(10)).map(({ reason }) => reason),
      ['third'],
      'the last of them waits',
    )
  })

  it('is given up, with an event, when it is too old to be told', async test => {
    const { store, clock, tasks, sent, hire, open, end, failures } = await world(test)
    await open('a')
    await end()
    clock.advance(deliveryAgeSecondsMax * 1000 + 1)
    hire().wake()
    await tasks.drain()
    assert.deepEqual([sent.length, (await store.outbox.notices(10)).length], [0, 0])
    const [event] = await failures()
    assert.deepEqual([event?.detail['target'], event?.detail['result']], ['logout', 'too_old'])
  })

  it('waits for the next time while the store is away, and every other failure is said', async test => {
    const { store, tasks, errors, sent, hire, open, end } = await world(test)
    await open('a')
    await end()
    const refusing = (error: Error): OutboxStore => ({ ...store.outbox, notices: () => Promise.reject(error) })
    hire(refusing(new StoreUnavailable('away'))).wake()
    await tasks.drain()
    assert.deepEqual(errors, [])
    const failure = new TypeError('a fault of ours')
    hire(refusing(failure)).wake()
    await tasks.drain()
    assert.deepEqual(errors, [failure])
    assert.equal(sent.length, 0)
    hire().wake()
    await tasks.drain()
    assert.equal(sent.length, 1)
  })

  it('stays there once it is stopped', async test => {
    const { store, tasks, sent, hire, open, end } = await world(test)
    await open('a')
    await end()
    const one = hire()
    one.stop()
    one.wake()
    await tasks.drain()
    assert.equal(sent.length, 0)
    assert.equal((await store.outbox.notices(10)).length, 1)
  })
})

/** Lets everything else have its turn until it is so. */
async function reached(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 100_000; turn++) {
    if (await isSo()) return
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('it never came to that')
}
