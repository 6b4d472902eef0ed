import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Subject } from '@pawl/family'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { systemEntropy } from '../entropy.ts'
import { operator } from '../event/new-event.ts'
import { keyedHasher } from '../keys/keyed-hash.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import type { Session } from './session.ts'
import { shownByPassword, withSecondFactor } from './acr.ts'
import { endSession, raiseSession, readSession, sessionSecondsDefault, startSession } from './sessions.ts'

const entropy = systemEntropy()
const ada = 'ada' as Subject
const raisedByCode = withSecondFactor(shownByPassword.amr, 'code')
const bob = 'bob' as Subject

async function world() {
  let nowMs = Date.UTC(2026, 0, 1)
  const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => nowMs }, entropy })
  const hashes = keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy)
  const means = { sessions: store.sessions, hashes, entropy }
  const start = async (subject: Subject, previous: Session | null = null) =>
    startSession(means, {
      subject,
      authTimeMs: await store.now(),
      shown: shownByPassword,
      lifeSeconds: sessionSecondsDefault,
      previous,
      caller: operator,
    })
  return { store, means, start, pass: (milliseconds: number) => (nowMs += milliseconds) }
}

describe('startSession', () => {
  it('opens a session that its cookie alone can read, with what a password proves', async () => {
    const { means, start, store } = await world()
    const { session, secret } = await start(ada)
    assert.deepEqual(await readSession(means, secret), session)
    const { acr, amr } = shownByPassword
    assert.deepEqual([session.acr, session.amr, session.authTimeMs], [acr, amr, await store.now()])
    assert.ok(!JSON.stringify(session).includes(secret))
  })

  it('CK-05 gives the same person a new cookie and ends the old one, and keeps the sid', async () => {
    const { means, start, pass } = await world()
    const first = await start(ada)
    pass(60_000)
    const second = await start(ada, first.session)
    assert.equal(second.session.id, first.session.id)
    assert.equal(second.session.createdAtMs, first.session.createdAtMs)
    assert.equal(second.session.authTimeMs, first.session.authTimeMs + 60_000)
    assert.notEqual(second.secret, first.secret)
    assert.equal(await readSession(means, first.secret), null)
    assert.deepEqual(await readSession(means, second.secret), second.session)
  })

  it('CK-05 gives a raised session a new cookie, and leaves its sid, its end and its time as they were', async () => {
    const { means, start, pass, store } = await world()
    const first = await start(ada)
    pass(60_000)
    const atMs = await store.now()
    const raised = await raiseSession(means, { session: first.session, shown: raisedByCode, caller: operator, atMs })
    assert.equal(await readSession(means, first.secret), null)
    const { secretHash, ...after } = raised.session
    const { secretHash: before, ...expected } = { ...first.session, ...raisedByCode }
    assert.deepEqual(after, expected)
    assert.notEqual(secretHash, before)
    assert.deepEqual(await readSession(means, raised.secret), raised.session)
    const kinds = (await store.events.latest(10)).map(event => event.kind)
    assert.deepEqual(kinds, ['session_raised', 'signed_in'])
  })

  it('brings no session back that ended while it was being raised', async () => {
    const { means, start, store } = await world()
    const { session } = await start(ada)
    const occasion = { caller: operator, atMs: await store.now() }
    await endSession(means, session, { cutOff: 'logout', reason: 'signed out', ...occasion })
    const raised = await raiseSession(means, { session, shown: raisedByCode, ...occasion })
    assert.equal(await readSession(means, raised.secret), null)
  })

  it('CK-05 CK-08 gives another person another sid, and the first one is signed out', async () => {
    const { means, start, store } = await world()
    const first = await start(ada)
    const second = await start(bob, first.session)
    assert.notEqual(second.session.id, first.session.id)
    assert.equal(await readSession(means, first.secret), null)
    assert.equal(await store.sessions.read(first.session.id), null)
    const events = await store.events.latest(10)
    const told = events.map(({ kind, subject, sessionId }) => `${kind} ${subject} ${sessionId === first.session.id}`)
    assert.deepEqual(told.sort(), ['signed_in ada true', 'signed_in bob false', 'signed_out ada true'])
  })
})

describe('readSession', () => {
  it('CK-06 takes no cookie and a forged, truncated or foreign one for absent', async () => {
    const { means, start } = await world()
    const { secret } = await start(ada)
    const foreign = keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy).newSecret('session').secret
    const otherKind = means.hashes.newSecret('browser').secret
    for (const cookie of [null, '', 'x', secret.slice(1), secret.slice(0, -1), `${secret}A`, foreign, otherKind]) {
      assert.equal(await readSession(means, cookie), null)
    }
  })

  it('reads until the last millisecond of the lifetime, and using it does not prolong it', async () => {
    const { means, start, pass } = await world()
    const { secret } = await start(ada)
    pass(sessionSecondsDefault * 1000 - 1)
    assert.notEqual(await readSession(means, secret), null)
    pass(1)
    assert.equal(await readSession(means, secret), null)
  })
})

describe('endSession', () => {
  it('CK-06 leaves nothing that a replayed cookie opens, with one event', async () => {
    const { means, start, store } = await world()
    const { session, secret } = await start(ada)
    const end = { cutOff: 'logout', reason: 'signed out', atMs: await store.now(), caller: operator } as const
    await endSession(means, session, end)
    assert.equal(await readSession(means, secret), null)
    const kinds = (await store.events.latest(10)).map(event => event.kind)
    assert.deepEqual(kinds.sort(), ['signed_in', 'signed_out'])
  })

  it('does not stand in the way of the next sign-in with the same sid', async () => {
    const { means, start, store } = await world()
    const { session } = await start(ada)
    await endSession(means, session, {
      cutOff: 'logout',
      reason: 'signed out',
      atMs: await store.now(),
      caller: operator,
    })
    const again = await start(ada, session)
    assert.deepEqual(await readSession(means, again.secret), again.session)
  })
})
