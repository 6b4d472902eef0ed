import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreUnavailable } from '../store.ts'
import { keysNamed, seededEntropy, signingKeysInMemory } from './fixture.test.ts'
import { sealer } from './seal.ts'
import {
  jwksCacheSeconds,
  openSigningKeys,
  publishedKeysMax,
  publishSecondsMin,
  relistSeconds,
  type SigningKeys,
  unknownKidRelistSeconds,
} from './signing-keys.ts'

const startMs = 1_800_000_000_000
const rotation = { publishSeconds: publishSecondsMin, verifySeconds: 900 }

interface Node {
  readonly keys: SigningKeys
  readonly reports: unknown[]
}

/** One store, one clock, any number of processes. */
function deployment() {
  const store = signingKeysInMemory()
  const clock = { nowMs: startMs }
  const listings = { count: 0, failing: false, hold: null as Promise<void> | null }
  const watched = {
    add: store.add,
    reseal: store.reseal,
    list: async () => {
      listings.count++
      if (listings.failing) throw new StoreUnavailable('down')
      const rows = await store.list()
      const held = listings.hold
      listings.hold = null
      await held
      return rows
    },
  }
  async function start(name: string, ...masterKeyIds: readonly number[]): Promise<Node> {
    const entropy = seededEntropy(name)
    const reports: unknown[] = []
    const now = () => Promise.resolve(clock.nowMs)
    const report = (error: unknown) => reports.push(error)
    const ids = masterKeyIds.length === 0 ? [1] : masterKeyIds
    const keys = await openSigningKeys({
      store: watched,
      sealer: sealer(keysNamed(...ids), entropy),
      entropy,
      now,
      firstPublishSeconds: publishSecondsMin,
      report,
    })
    return { keys, reports }
  }
  return { store, clock, listings, start }
}

describe('the first start', () => {
  it('makes one ES256 and one RS256 key that sign at once, with an event each', async () => {
    const { store, start } = deployment()
    const { keys } = await start('a')
    assert.equal(keys.current('ES256', startMs).algorithm, 'ES256')
    assert.equal(keys.current('RS256', startMs).algorithm, 'RS256')
    assert.deepEqual(store.rows.map(row => row.algorithm).sort(), ['ES256', 'RS256'])
    assert.deepEqual(store.eventKinds, ['signing_key_added', 'signing_key_added'])
  })

  it('of two processes at once ends with one set, which both use', async () => {
    const { store, start } = deployment()
    const [a, b] = await Promise.all([start('a'), start('b')])
    assert.equal(store.rows.length, 2)
    assert.equal(store.eventKinds.length, 2)
    assert.equal(a.keys.current('ES256', startMs).kid, b.keys.current('ES256', startMs).kid)
    assert.equal(a.keys.current('RS256', startMs).kid, b.keys.current('RS256', startMs).kid)
  })

  it('is the only one that makes keys: the next process takes what is there', async () => {
    const { store, start } = deployment()
    const a = await start('a')
    const b = await start('b')
    assert.equal(store.rows.length, 2)
    assert.equal(a.keys.current('ES256', startMs).kid, b.keys.current('ES256', startMs).kid)
  })

  it('names the key that the given master key does not open, and starts on none', async () => {
    const { start } = deployment()
    await start('a', 1)
    await assert.rejects(
      start('b', 2),
      /^UnusableMasterKey: Signing key [A-Za-z0-9_-]{43} was not sealed under any of the master keys given\. To replace/,
    )
    await assert.doesNotReject(start('c', 1))
    await assert.doesNotReject(start('c', 2, 1))
  })
  it('takes the signing keys along to a new master key, so that the old one can go', async () => {
    const { store, start } = deployment()
    await start('a', 1)
    const before = store.rows
    await start('b', 2, 1)
    assert.notDeepEqual(store.rows, before)
    const moved = store.rows
    const { keys } = await start('c', 2)
    assert.equal((await keys.jwks(startMs)).keys.length, 2)
    assert.deepEqual(store.rows, moved, 'what is under the current key is left as it is')
  })
})

describe('rotation', () => {
  it('JW-13 never signs with a key before it was published longer than the JWKS may be cached', async () => {
    assert.ok(publishSecondsMin >= jwksCacheSeconds + relistSeconds)
    const { clock, start } = deployment()
    const { keys } = await start('a')
    const before = keys.current('ES256', startMs)
    const next = await keys.rotate('ES256', rotation, 'operator')
    const signsFromMs = startMs + publishSecondsMin * 1000
    assert.equal(next?.signsFromMs, signsFromMs)
    assert.ok((await keys.jwks(startMs)).keys.some(jwk => jwk.kid === next.kid))
    clock.nowMs = signsFromMs
    await keys.reload()
    assert.equal(keys.current('ES256', signsFromMs - 1).kid, before.kid)
    assert.equal(keys.current('ES256', signsFromMs).kid, next.kid)
    await assert.rejects(keys.rotate('ES256', { ...rotation, publishSeconds: publishSecondsMin - 1 }, 'x'), RangeError)
  })

  it('JW-13 verifies with the old key until the last token it can have signed is dead, and not after', async () => {
    const { clock, start } = deployment()
    const { keys } = await start('a')
    const old = keys.current('ES256', startMs)
    await keys.rotate('ES256', rotation, 'operator')
    const verifiesUntilMs = startMs + (publishSecondsMin + rotation.verifySeconds) * 1000
    clock.nowMs = verifiesUntilMs - 1
    assert.equal((await keys.find(old.kid, clock.nowMs))?.kid, old.kid)
    assert.ok((await keys.jwks(clock.nowMs)).keys.some(jwk => jwk.kid === old.kid))
    clock.nowMs = verifiesUntilMs
    assert.equal(await keys.find(old.kid, clock.nowMs), null)
    assert.ok(!(await keys.jwks(clock.nowMs)).keys.some(jwk => jwk.kid === old.kid))
  })

  it('RT-39 leaves the other algorithm alone, and signs with the new key once the old one retires', async () => {
    const { clock, start } = deployment()
    const { keys } = await start('a')
    const rsa = keys.current('RS256', startMs)
    const next = await keys.rotate('ES256', rotation, 'operator')
    clock.nowMs = startMs + 10 * publishSecondsMin * 1000
    await keys.ready(clock.nowMs)
    assert.equal(keys.current('ES256', clock.nowMs).kid, next?.kid)
    assert.equal(keys.current('RS256', clock.nowMs).kid, rsa.kid)
    assert.equal(rsa.verifiesUntilMs, null)
  })

  it('twice in a row leaves each key its day, and the last one signing', async () => {
    const { store, clock, start } = deployment()
    const { keys } = await start('a')
    const first = keys.current('ES256', startMs)
    const second = await keys.rotate('ES256', rotation, 'operator')
    clock.nowMs = startMs + 1000
    const third = await keys.rotate('ES256', rotation, 'operator')
    const untilOf = (kid: string | undefined) => store.rows.find(row => row.kid === kid)?.verifiesUntilMs
    assert.equal(untilOf(first.kid), startMs + (publishSecondsMin + 900) * 1000)
    assert.equal(untilOf(second?.kid), startMs + 1000 + (publishSecondsMin + 900) * 1000)
    assert.equal(untilOf(third?.kid), null)
    clock.nowMs = startMs + publishSecondsMin * 1000
    await keys.reload()
    assert.equal(keys.current('ES256', clock.nowMs).kid, second?.kid)
    assert.equal(keys.current('ES256', startMs + publishSecondsMin * 1000 + 1000).kid, third?.kid)
  })

  it('of two operators at once happens once: the other is told to look again', async () => {
    const { store, start } = deployment()
    const a = await start('a')
    const b = await start('b')
    const outcomes = await Promise.all([a.keys.rotate('ES256', rotation, 'a'), b.keys.rotate('ES256', rotation, 'b')])
    assert.equal(outcomes.filter(outcome => outcome === null).length, 1)
    assert.equal(store.rows.length, 3)
    assert.equal(store.eventKinds.length, 3)
  })

  it('shows the new key also where a reading had begun before it was added', async () => {
    const { store, listings, start } = deployment()
    const { keys } = await start('a')
    const { promise, resolve } = Promise.withResolvers<void>()
    listings.hold = promise
    const early = keys.reload()
    const rotated = keys.rotate('ES256', rotation, 'operator')
    while (store.rows.length === 2) await new Promise(setImmediate)
    setImmediate(resolve)
    await early
    assert.equal((await rotated)?.signsFromMs, startMs + publishSecondsMin * 1000)
  })

  it('stops at the number of keys that may be published', async () => {
    const { store, start } = deployment()
    const { keys } = await start('a')
    while (store.rows.length < publishedKeysMax) await keys.rotate('ES256', rotation, 'operator')
    await assert.rejects(keys.rotate('ES256', rotation, 'operator'), RangeError)
    assert.equal(store.rows.length, publishedKeysMax)
  })

  it('refuses lives that are no whole seconds', async () => {
    const { keys } = await deployment().start('a')
    for (const change of [
      { publishSeconds: Number.NaN },
      { publishSeconds: 600.5 },
      { verifySeconds: -1 },
      { verifySeconds: Number.POSITIVE_INFINITY },
    ]) {
      await assert.rejects(keys.rotate('ES256', { ...rotation, ...change }, 'operator'), RangeError)
    }
  })
})

describe('another process', () => {
  it('signs with the new key from the same instant, though nobody told it', async () => {
    const { clock, start } = deployment()
    const [a, b] = [await start('a'), await start('b')]
    const next = await a.keys.rotate('ES256', rotation, 'operator')
    clock.nowMs = startMs + publishSecondsMin * 1000
    await b.keys.ready(clock.nowMs)
    assert.equal(b.keys.current('ES256', clock.nowMs).kid, next?.kid)
  })

  it('refuses to guess who signs from a list older than a key is published ahead', async () => {
    const { clock, listings, start } = deployment()
    const { keys, reports } = await start('a')
    listings.failing = true
    clock.nowMs = startMs + publishSecondsMin * 1000
    assert.doesNotThrow(() => keys.current('ES256', clock.nowMs - 1))
    assert.throws(() => keys.current('ES256', clock.nowMs), StoreUnavailable)
    await assert.rejects(keys.ready(clock.nowMs), StoreUnavailable)
    listings.failing = false
    await keys.ready(clock.nowMs)
    assert.equal(keys.current('ES256', clock.nowMs).algorithm, 'ES256')
    assert.ok(reports.every(report => report instanceof StoreUnavailable))
  })

  it('finds a kid it has not heard of by looking at once, and shows it in its JWKS within seconds', async () => {
    const { clock, start } = deployment()
    const [a, b] = [await start('a'), await start('b')]
    const next = await a.keys.rotate('RS256', rotation, 'operator')
    assert.ok(next !== null)
    clock.nowMs = startMs + unknownKidRelistSeconds * 1000
    assert.equal((await b.keys.find(next.kid, clock.nowMs))?.kid, next.kid)
    const c = await start('c')
    assert.equal((await c.keys.jwks(clock.nowMs)).keys.length, 3)
  })

  it('SF-09 looks at most once a second, however many unknown kids are sent', async () => {
    const { clock, listings, start } = deployment()
    const { keys } = await start('a')
    const before = listings.count
    await Promise.all(Array.from({ length: 100 }, (_, at) => keys.find(`unknown ${at}`, startMs)))
    assert.equal(listings.count, before)
    clock.nowMs = startMs + unknownKidRelistSeconds * 1000
    await Promise.all(Array.from({ length: 100 }, (_, at) => keys.find(`unknown ${at}`, clock.nowMs)))
    assert.equal(listings.count, before + 1)
  })

  it('reads the list behind the answers, once per few seconds, and reports once when that fails', async () => {
    const { listings, start } = deployment()
    const { keys, reports } = await start('a')
    const before = listings.count
    const laterMs = startMs + relistSeconds * 1000
    keys.current('ES256', laterMs - 1)
    assert.equal(listings.count, before)
    listings.failing = true
    for (let count = 0; count < 50; count++) keys.current('ES256', laterMs)
    await assert.rejects(keys.reload(), StoreUnavailable)
    assert.equal(reports.length, 1)
  })
})

describe('the JWKS', () => {
  it('JW-16 shows public members only, and the names a verifier needs', async () => {
    const { keys } = await deployment().start('a')
    const set = await keys.jwks(startMs)
    const [ec, rsa] = ['EC', 'RSA'].map(kty => set.keys.find(jwk => jwk.kty === kty))
    assert.deepEqual(Object.keys(ec ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    assert.deepEqual(Object.keys(rsa ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    assert.equal(set.keys.length, 2)
  })
})

describe('a key that is made on demand', () => {
  it('is published before it signs, and once, however many ask for it', async () => {
    const { clock, store, start } = deployment()
    const [a, b] = [await start('a'), await start('b')]
    const wanted = () => [a, b, a].map(node => node.keys.prepare('EdDSA', clock.nowMs))
    for (const outcome of await Promise.allSettled(wanted())) {
      assert.equal(outcome.status, 'rejected')
      assert.ok(outcome.reason instanceof StoreUnavailable)
    }
    assert.deepEqual(store.rows.map(row => row.algorithm).sort(), ['ES256', 'EdDSA', 'RS256'])
    assert.equal((await b.keys.jwks(clock.nowMs)).keys.length, 3)
    assert.throws(() => a.keys.current('EdDSA', clock.nowMs), StoreUnavailable)
    clock.nowMs += publishSecondsMin * 1000 - 1
    await assert.rejects(a.keys.prepare('EdDSA', clock.nowMs), StoreUnavailable)
    clock.nowMs += 1
    await Promise.all(wanted())
    assert.equal(a.keys.current('EdDSA', clock.nowMs).kid, b.keys.current('EdDSA', clock.nowMs).kid)
  })
})
