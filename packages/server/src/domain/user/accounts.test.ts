import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Subject } from '@pawl/family'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { systemEntropy } from '../entropy.ts'
import { operator } from '../event/new-event.ts'
import { keyedHasher } from '../keys/keyed-hash.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import { shownByPassword } from '../session/acr.ts'
import { readSession, sessionSecondsDefault, startSession } from '../session/sessions.ts'
import { StoreUnavailable } from '../store.ts'
import { addUser, disableUser, enableUser, resetPassword } from './accounts.ts'
import { argon2Hasher } from './password.ts'
import type { User } from './user.ts'

const entropy = systemEntropy()
const hashing = { cost: { memoryKib: 8, passes: 1, lanes: 1 }, runningMax: 2, waitingMax: 100 }
const ada = { email: 'Ada@Example.com', emailVerified: true, password: 'correct horse', claims: { name: 'Ada' } }

async function world() {
  const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => Date.UTC(2026, 0, 1) }, entropy })
  const means = {
    users: store.users,
    sessions: store.sessions,
    passwords: argon2Hasher(entropy, hashing),
    hashes: keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy),
    entropy,
    nowMs: () => store.now(),
  }
  const added = await addUser(means, ada, operator)
  assert.ok(added.kind === 'added')
  return { store, means, user: added.user }
}

type World = Awaited<ReturnType<typeof world>>

async function signedIn({ means, store }: World, user: User): Promise<string> {
  const start = {
    subject: user.subject,
    authTimeMs: await store.now(),
    shown: shownByPassword,
    lifeSeconds: sessionSecondsDefault,
    previous: null,
    caller: operator,
  }
  return (await startSession(means, start)).secret
}

async function eventKinds({ store }: World): Promise<readonly string[]> {
  return (await store.events.latest(100)).map(event => event.kind).sort()
}

describe('addUser', () => {
  it('keeps the address as it was written and the password as a hash only', async () => {
    const there = await world()
    const reading = await there.store.users.read(there.user.subject)
    assert.equal(reading?.user.email, 'Ada@Example.com')
    assert.ok(!JSON.stringify(reading).includes(ada.password))
    assert.equal(await there.means.passwords.verify(reading.user.passwordHash, ada.password), 'right')
    assert.deepEqual(await eventKinds(there), ['user_added'])
  })

  it('IJ-08 refuses an address that reads like one that is taken', async () => {
    const there = await world()
    for (const email of ['ada@example.com', ' ＡＤＡ@example．com ', '𝐚da@EXAMPLE.com']) {
      assert.deepEqual(await addUser(there.means, { ...ada, email }, operator), { kind: 'email_taken' })
    }
    assert.equal((await there.store.users.list(10)).length, 1)
    assert.deepEqual(await eventKinds(there), ['user_added'])
  })

  it('says what is wrong with an address or a password', async () => {
    const { means } = await world()
    assert.deepEqual(await addUser(means, { ...ada, email: 'ada' }, operator), { kind: 'email_invalid' })
    const refused = await addUser(means, { ...ada, email: 'b@example.com', password: 'short' }, operator)
    assert.deepEqual(refused, { kind: 'password_refused', fault: 'too_short' })
  })
})

describe('disableUser', () => {
  it('ends every session of before with one event, and says unchanged the second time', async () => {
    const there = await world()
    const cookie = await signedIn(there, there.user)
    assert.notEqual(await readSession(there.means, cookie), null)
    assert.equal((await disableUser(there.means, there.user.subject, operator)).kind, 'changed')
    assert.equal(await readSession(there.means, cookie), null)
    assert.deepEqual(await disableUser(there.means, there.user.subject, operator), { kind: 'unchanged' })
    assert.deepEqual(await eventKinds(there), ['signed_in', 'user_added', 'user_disabled'])
  })

  it('takes the instant anew the second time, since the first may not have been acknowledged', async () => {
    const there = await world()
    await disableUser(there.means, there.user.subject, operator)
    const [first] = await there.store.cutOffs.list(1)
    await disableUser(there.means, there.user.subject, operator)
    const [second] = await there.store.cutOffs.list(1)
    assert.ok(first !== undefined && second !== undefined && second.atMs > first.atMs)
  })

  it('says nothing of a user who is disabled already while that cannot be written', async () => {
    const there = await world()
    await disableUser(there.means, there.user.subject, operator)
    const away = async () => Promise.reject(new StoreUnavailable('away'))
    const means = { ...there.means, users: { ...there.store.users, change: away } }
    await assert.rejects(disableUser(means, there.user.subject, operator), StoreUnavailable)
  })

  it('ends a session that was started with a password checked before, but opened after', async () => {
    const there = await world()
    const authTimeMs = await there.store.now()
    await disableUser(there.means, there.user.subject, operator)
    const start = {
      subject: there.user.subject,
      authTimeMs,
      shown: shownByPassword,
      lifeSeconds: sessionSecondsDefault,
      previous: null,
      caller: operator,
    }
    const { secret } = await startSession(there.means, start)
    assert.equal(await readSession(there.means, secret), null)
  })

  it('brings no session back when the user is enabled again', async () => {
    const there = await world()
    const cookie = await signedIn(there, there.user)
    await disableUser(there.means, there.user.subject, operator)
    assert.equal((await enableUser(there.means, there.user.subject, operator)).kind, 'changed')
    assert.deepEqual(await enableUser(there.means, there.user.subject, operator), { kind: 'unchanged' })
    assert.equal(await readSession(there.means, cookie), null)
    assert.notEqual(await readSession(there.means, await signedIn(there, there.user)), null)
  })

  it('says unknown for a subject that is nobody', async () => {
    const { means } = await world()
    assert.deepEqual(await disableUser(means, 'nobody' as Subject, operator), { kind: 'unknown' })
  })
})

describe('resetPassword', () => {
  it('ends every session, and only the new password is right', async () => {
    const there = await world()
    const cookie = await signedIn(there, there.user)
    const changed = await resetPassword(
      there.means,
      { subject: there.user.subject, password: 'battery staple' },
      operator,
    )
    assert.ok(changed.kind === 'changed')
    assert.equal(await readSession(there.means, cookie), null)
    assert.equal(await there.means.passwords.verify(changed.user.passwordHash, 'battery staple'), 'right')
    assert.equal(await there.means.passwords.verify(changed.user.passwordHash, ada.password), 'wrong')
    assert.deepEqual(await eventKinds(there), ['password_changed', 'signed_in', 'user_added'])
  })

  it('changes and ends nothing for a password that is refused', async () => {
    const there = await world()
    const cookie = await signedIn(there, there.user)
    const refused = await resetPassword(there.means, { subject: there.user.subject, password: 'short' }, operator)
    assert.deepEqual(refused, { kind: 'password_refused', fault: 'too_short' })
    assert.notEqual(await readSession(there.means, cookie), null)
  })

  it('leaves a disabled user disabled', async () => {
    const there = await world()
    await disableUser(there.means, there.user.subject, operator)
    const reset = { subject: there.user.subject, password: 'battery staple' }
    const changed = await resetPassword(there.means, reset, operator)
    assert.ok(changed.kind === 'changed' && changed.user.disabled)
  })
})

describe('a change of a user', () => {
  it('loses neither of two changes made at once', async () => {
    const there = await world()
    const { subject } = there.user
    const reset = { subject, password: 'battery staple' }
    await Promise.all([disableUser(there.means, subject, operator), resetPassword(there.means, reset, operator)])
    const user = (await there.store.users.read(subject))?.user
    assert.ok(user?.disabled === true)
    assert.equal(await there.means.passwords.verify(user.passwordHash, 'battery staple'), 'right')
  })

  it('gives up with an outage, not a lie, on a row that never stands still', async () => {
    const { means, store, user } = await world()
    const read = async (subject: Subject) => {
      const reading = await store.users.read(subject)
      return reading === null ? null : { ...reading, version: reading.version - 1 }
    }
    const stale = { ...means, users: { ...store.users, read } }
    await assert.rejects(disableUser(stale, user.subject, operator), StoreUnavailable)
    assert.equal((await store.users.read(user.subject))?.user.disabled, false)
  })
})
