import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { systemEntropy } from '../entropy.ts'
import type { Caller } from '../event/new-event.ts'
import { newRequestId } from '../identifiers.ts'
import { keyedHasher } from '../keys/keyed-hash.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import type { Store } from '../store.ts'
import { type AccountMeans, addUser, disableUser, enableUser } from './accounts.ts'
import { argon2Hasher } from './password.ts'
import { signIn, type SignInMeans, type SignInOutcome } from './sign-in.ts'
import { type SignInLimits, signInLimits } from './sign-in-limits.ts'

const entropy = systemEntropy()
const hashing = { cost: { memoryKib: 8, passes: 1, lanes: 1 }, runningMax: 2, waitingMax: 2000 }
const startMs = Date.UTC(2026, 0, 1)
const minuteMs = 60_000
const hourMs = 60 * minuteMs

interface World {
  readonly store: Store
  readonly means: SignInMeans & AccountMeans
  readonly pass: (milliseconds: number) => void
}

async function world(limits: Partial<SignInLimits> = {}): Promise<World> {
  let nowMs = startMs
  const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => nowMs }, entropy })
  const means = {
    users: store.users,
    throttles: store.throttles,
    events: store.events,
    passwords: argon2Hasher(entropy, hashing),
    hashes: keyedHasher(masterKeys([newMasterKey(entropy, 1)]), entropy),
    entropy,
    nowMs: () => store.now(),
    limits: { ...signInLimits, ...limits },
  }
  for (const email of ['ada@example.com', 'bob@example.com']) {
    const person = { email, emailVerified: true, password: `the password of ${email}`, claims: {} }
    assert.equal((await addUser(means, person, callerFrom('127.0.0.1'))).kind, 'added')
  }
  return { store, means, pass: milliseconds => (nowMs += milliseconds) }
}

function callerFrom(address: string): Caller {
  return { requestId: newRequestId(entropy), address, userAgent: 'test' }
}

interface Try {
  readonly username?: string
  readonly password?: string
  readonly address?: string
  readonly deviceSecret?: string | null
}

/** Ada from her usual address, with the wrong password unless told otherwise. */
function attempt({ means }: World, tried: Try = {}): Promise<SignInOutcome> {
  return signIn(means, {
    username: tried.username ?? 'ada@example.com',
    password: tried.password ?? 'not the password',
    deviceSecret: tried.deviceSecret ?? null,
    caller: callerFrom(tried.address ?? '203.0.113.7'),
  })
}

const right = { password: 'the password of ada@example.com' }

async function fail(there: World, times: number, tried: (index: number) => Try = () => ({})): Promise<void> {
  for (let index = 0; index < times; index++) assert.equal((await attempt(there, tried(index))).kind, 'refused')
}

/** Signs in and gives the device cookie. */
async function enter(there: World, tried: Try): Promise<string> {
  const outcome = await attempt(there, tried)
  assert.equal(outcome.kind, 'signed_in')
  return outcome.kind === 'signed_in' ? outcome.deviceSecret : ''
}

async function throttleEvents({ store }: World): Promise<readonly string[]> {
  const events = await store.events.latest(1000)
  const throttled = events.filter(event => event.kind === 'sign_in_throttled')
  return throttled.map(event => String(event.detail['limit'])).sort()
}

describe('signIn', () => {
  it('gives the user, the time of before the password was checked, and a device cookie', async () => {
    const there = await world()
    const outcome = await attempt(there, { ...right, username: ' ＡＤＡ@Example.com ' })
    assert.ok(outcome.kind === 'signed_in')
    assert.equal(outcome.user.email, 'ada@example.com')
    assert.equal(outcome.authTimeMs, startMs)
    assert.notEqual(outcome.deviceSecret, '')
  })

  it('LG-03 gives one answer to an unknown name, a wrong password, no address and a disabled user', async () => {
    const there = await world()
    const ada = await there.store.users.readByEmailKey('ada@example.com')
    assert.ok(ada !== null)
    await disableUser(there.means, ada.user.subject, callerFrom('127.0.0.1'))
    const tries = [right, {}, { username: 'nobody@example.com' }, { username: 'bob@example.com' }, { username: 'ada' }]
    for (const tried of [...tries, { username: '' }, { username: '\ud800'.repeat(60_000) }]) {
      assert.deepEqual(await attempt(there, tried), { kind: 'refused' })
    }
  })

  it('LG-03 hashes once for each of them, at the same cost', async () => {
    const there = await world()
    const verified: string[] = []
    const passwords = {
      ...there.means.passwords,
      verify: (phc: string, password: string) => {
        verified.push(phc.split('$').slice(0, 4).join('$'))
        return there.means.passwords.verify(phc, password)
      },
    }
    const watched = { ...there, means: { ...there.means, passwords } }
    for (const username of ['ada@example.com', 'nobody@example.com', 'no address', ''])
      await attempt(watched, { username })
    assert.deepEqual(verified, new Array<string>(4).fill('$argon2id$v=19$m=8,t=1,p=1'))
  })

  it('LG-01 lets ten wrong passwords pass from one network and refuses the eleventh, right or wrong', async () => {
    const there = await world()
    await fail(there, 10)
    const outcome = await attempt(there, right)
    assert.deepEqual(outcome, { kind: 'throttled', retryAfterSeconds: 900 })
    assert.deepEqual(await throttleEvents(there), ['account_network'])
  })

  it('LG-03 throttles a name that nobody has like any other', async () => {
    const there = await world()
    await fail(there, 10, () => ({ username: 'nobody@example.com' }))
    const outcome = await attempt(there, { username: 'nobody@example.com' })
    assert.deepEqual(outcome, { kind: 'throttled', retryAfterSeconds: 900 })
  })

  it('lets go when the window ends, not a millisecond before', async () => {
    const there = await world()
    await fail(there, 10)
    there.pass(15 * minuteMs - 1)
    assert.deepEqual(await attempt(there, right), { kind: 'throttled', retryAfterSeconds: 1 })
    there.pass(1)
    assert.equal((await attempt(there, right)).kind, 'signed_in')
  })

  it('does not prolong the wait of somebody who keeps trying', async () => {
    const there = await world()
    await fail(there, 10)
    for (let times = 0; times < 50; times++) assert.equal((await attempt(there)).kind, 'throttled')
    there.pass(15 * minuteMs)
    assert.equal((await attempt(there, right)).kind, 'signed_in')
    assert.equal((await throttleEvents(there)).length, 1)
  })

  it('LG-01 makes whoever goes on after each wait wait longer', async () => {
    const there = await world()
    for (let round = 0; round < 3; round++) {
      await fail(there, 10)
      there.pass(15 * minuteMs)
    }
    const outcome = await attempt(there)
    assert.ok(outcome.kind === 'throttled')
    assert.equal(outcome.retryAfterSeconds, (6 * hourMs - 45 * minuteMs) / 1000)
  })

  it('counts failures only: a hundred sign-ins in a row are no attack', async () => {
    const there = await world()
    for (let times = 0; times < 100; times++) await enter(there, right)
    await fail(there, 10)
    assert.equal((await attempt(there)).kind, 'throttled')
  })

  it('LG-10 keeps the count when another account signs in from the same network', async () => {
    const there = await world()
    await fail(there, 10)
    await enter(there, { username: 'bob@example.com', password: 'the password of bob@example.com' })
    assert.equal((await attempt(there, right)).kind, 'throttled')
  })

  it('LG-10 keeps the count when the same account signs in from elsewhere', async () => {
    const there = await world()
    await fail(there, 10)
    await enter(there, { ...right, address: '198.51.100.1' })
    assert.equal((await attempt(there, right)).kind, 'throttled')
  })

  it('LG-06 counts an IPv6 customer once, whatever address of the /64 is used', async () => {
    const there = await world()
    await fail(there, 10, index => ({ address: `2001:db8:0:1::${index + 1}` }))
    assert.equal((await attempt(there, { address: '2001:db8:0:1:ffff::1' })).kind, 'throttled')
    assert.equal((await attempt(there, { ...right, address: '2001:db8:0:2::1' })).kind, 'signed_in')
  })

  it('LG-01 LG-02 lets many at once be charged before any is answered', async () => {
    const there = await world()
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => attempt(there)))
    assert.equal(outcomes.filter(outcome => outcome.kind === 'refused').length, 10)
  })
})

describe('signIn against strangers from everywhere', () => {
  it('LG-01 closes the account to unknown devices after a hundred failures an hour, from however many networks', async () => {
    const there = await world()
    await fail(there, 100, index => ({ address: `198.51.100.${index}` }))
    assert.deepEqual(await attempt(there, { ...right, address: '192.0.2.1' }), {
      kind: 'throttled',
      retryAfterSeconds: 3600,
    })
    assert.deepEqual(await throttleEvents(there), ['account'])
    there.pass(hourMs)
    assert.equal((await attempt(there, { ...right, address: '192.0.2.1' })).kind, 'signed_in')
  })

  it('LG-01 lets the owner in on a browser that has signed in before, whatever strangers do', async () => {
    const there = await world({ network: { failuresMax: 20, windowSeconds: 900 } })
    const deviceSecret = await enter(there, right)
    await fail(there, 10)
    await fail(there, 80, index => ({ address: `198.51.100.${index}` }))
    await fail(there, 10, () => ({ username: 'somebody@example.com' }))
    for (let times = 0; times < 20; times++) assert.equal((await attempt(there)).kind, 'throttled')
    assert.equal((await attempt(there, { ...right, deviceSecret })).kind, 'signed_in')
  })

  it('gives a known device ten failures of its own, and no other account', async () => {
    const there = await world()
    const deviceSecret = await enter(there, right)
    await fail(there, 10, () => ({ deviceSecret }))
    assert.equal((await attempt(there, { ...right, deviceSecret })).kind, 'throttled')
    assert.equal((await attempt(there, right)).kind, 'signed_in')
    await fail(there, 10, () => ({ username: 'bob@example.com', deviceSecret }))
    assert.equal((await attempt(there, { username: 'bob@example.com', deviceSecret })).kind, 'throttled')
    assert.deepEqual(await throttleEvents(there), ['account_network', 'known_device'])
  })

  it('LG-01 does not let one throttled network fill the account for everybody', async () => {
    const there = await world()
    await fail(there, 10)
    for (let times = 0; times < 200; times++) assert.equal((await attempt(there)).kind, 'throttled')
    assert.equal((await attempt(there, { ...right, address: '192.0.2.1' })).kind, 'signed_in')
  })

  it('LG-02 stops one network that tries one password on many people', async () => {
    const there = await world()
    await fail(there, 100, index => ({ username: `user${index}@example.com` }))
    assert.equal((await attempt(there, { username: 'user100@example.com' })).kind, 'throttled')
    assert.deepEqual(await throttleEvents(there), ['network'])
    assert.equal((await attempt(there, { ...right, address: '192.0.2.1' })).kind, 'signed_in')
  })

  it('LG-02 tells the operator of a spray from many networks, and bears less from each while it lasts', async () => {
    const there = await world({ server: { failuresMax: 30, windowSeconds: 3600 } })
    await fail(there, 30, index => ({ username: `user${index}@example.com`, address: `198.51.100.${index % 3}` }))
    assert.deepEqual(await throttleEvents(there), [])
    assert.equal((await attempt(there, { username: 'next@example.com', address: '198.51.100.0' })).kind, 'throttled')
    assert.deepEqual(await throttleEvents(there), ['network', 'server'])
    assert.equal((await attempt(there, { ...right, address: '192.0.2.1' })).kind, 'signed_in')
  })

  it('LG-02 leaves one event for an alarm that is passed again and again', async () => {
    const there = await world({ server: { failuresMax: 5, windowSeconds: 3600 } })
    await fail(there, 5, index => ({ address: `198.51.100.${index}` }))
    for (let times = 0; times < 5; times++) await enter(there, right)
    assert.deepEqual(await throttleEvents(there), ['server'])
  })

  it('names nobody in the throttles, and no password in an event', async () => {
    const there = await world()
    const keys: string[] = []
    const throttles = {
      ...there.store.throttles,
      charge: (key: string, windowSeconds: number) => {
        keys.push(key)
        return there.store.throttles.charge(key, windowSeconds)
      },
    }
    const watched = { ...there, means: { ...there.means, throttles } }
    for (let times = 0; times < 11; times++) await attempt(watched)
    assert.ok(keys.length > 0 && keys.every(key => /^[A-Za-z0-9_-]{43}$/.test(key)))
    const events = JSON.stringify(await there.store.events.latest(100))
    assert.ok(events.includes('sign_in_throttled') && !events.includes('not the password'))
  })
})

describe('signIn under load', () => {
  it('DS-12 says that it is busy, counts nothing for it, and lets the next one in', async () => {
    const there = await world()
    const passwords = argon2Hasher(entropy, { ...hashing, runningMax: 1, waitingMax: 0 })
    const crowded = { ...there, means: { ...there.means, passwords } }
    const tries = Array.from({ length: 30 }, (_, index) => attempt(crowded, { address: `198.51.100.${index}` }))
    const busy = (await Promise.all(tries)).filter(outcome => outcome.kind === 'busy').length
    assert.ok(busy > 0)
    await fail(there, 100 - (30 - busy), index => ({ address: `192.0.2.${index}` }))
    assert.equal((await attempt(there, { address: '203.0.113.99' })).kind, 'throttled')
  })

  it('DS-12 writes nothing for an attempt that is refused for a limit that was full, or for a full queue', async () => {
    const there = await world()
    await fail(there, 10)
    await attempt(there)
    const spray = { username: 'new@example.com', address: '198.51.100.7' }
    await fail(there, 100, index => ({ ...spray, username: `person${index}@example.com` }))
    await attempt(there, spray)
    let writes = 0
    const write = (): Promise<never> => Promise.reject(new Error(`a write: ${(writes += 1)}`))
    const throttles = { ...there.means.throttles, charge: write, refund: write }
    const readOnly = { ...there, means: { ...there.means, throttles } }
    assert.equal((await attempt(readOnly)).kind, 'throttled')
    assert.equal((await attempt(readOnly, spray)).kind, 'throttled')
    const passwords = { ...there.means.passwords, isFull: () => true }
    assert.equal((await attempt({ ...readOnly, means: { ...readOnly.means, passwords } }, right)).kind, 'busy')
    assert.equal(writes, 0)
  })

  it('LG-05 lets an enabled user in again', async () => {
    const there = await world()
    const subject = (await there.store.users.readByEmailKey('ada@example.com'))?.user.subject
    assert.ok(subject !== undefined)
    await disableUser(there.means, subject, callerFrom('127.0.0.1'))
    assert.equal((await attempt(there, right)).kind, 'refused')
    await enableUser(there.means, subject, callerFrom('127.0.0.1'))
    assert.equal((await attempt(there, right)).kind, 'signed_in')
  })
})
