/**
 * The set of signing keys and the life of each: published, signing, verifying, gone. A key is published at least
 * `publishSecondsMin` before it signs, so a list read within that time knows every key that can be signing now. That
 * is what lets `current` answer from memory, and every node agree without talking to each other.
 */

import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { Entropy } from '../entropy.ts'
import type { AuditEvent } from '../event/event.ts'
import { newEventId } from '../identifiers.ts'
import { StoreUnavailable } from '../store.ts'
import type { Sealer } from './seal.ts'
import { newSigningKey, openSigningKey, type PublicJwk, resealedPrivateKey, type SigningKey } from './signing-key.ts'
import type { SigningKeyStore, StoredSigningKey } from './signing-key-store.ts'

/** How long others may keep our JWKS: the `max-age` it is served with. */
export const jwksCacheSeconds = 300
/** A list older than this is read again: behind the answer for signing, before the answer for the JWKS. */
export const relistSeconds = 5
/** How often an unknown kid may make us look, whoever sends it. */
export const unknownKidRelistSeconds = 1
/** The JWKS cache, and as much again for nodes that have not looked yet and caches that are late. */
export const publishSecondsMin = 2 * jwksCacheSeconds
/** Keys that are published at once, of all algorithms. Rotating faster than keys retire is refused beyond it. */
export const publishedKeysMax = 32
/** Made when a store is first used; a key of any other algorithm is made once somebody wants it. */
export const firstAlgorithms: readonly SigningAlgorithm[] = ['ES256', 'RS256']
const addAttemptsMax = 5

export interface SigningKeysOptions {
  readonly store: SigningKeyStore
  readonly sealer: Sealer
  readonly entropy: Entropy
  /** The store's time. */
  readonly now: () => Promise<number>
  /** How long the first key of an algorithm is published before it signs: `publishSecondsMin`, or 0 in development. */
  readonly firstPublishSeconds: number
  /** Hears when reading the list in the background failed. What is known stays in use. */
  readonly report: (error: unknown) => void
}

export interface Rotation {
  /** How long the new key is published before it signs; at least `publishSecondsMin`. */
  readonly publishSeconds: number
  /** How long the old key verifies after it stopped signing: the longest life of what it signed. */
  readonly verifySeconds: number
}

export interface SigningKeys {
  /** The key that signs now. Throws `StoreUnavailable` where the list is too old to know: await `ready` before. */
  readonly current: (algorithm: SigningAlgorithm, nowMs: number) => SigningKey
  /**
   * Resolves when `current` can answer for that algorithm and time. Makes the first key where there is none, and rejects
   * with `StoreUnavailable` while that is only published: whoever keeps an older JWKS could not verify it yet.
   */
  readonly prepare: (algorithm: SigningAlgorithm, nowMs: number) => Promise<void>
  /** Makes the first key of that algorithm where there is none; it signs once it has been published for long enough. */
  readonly publishFirst: (algorithm: SigningAlgorithm, nowMs: number) => Promise<void>
  /** True when `current` can answer for this time as things stand, which is nearly always. */
  readonly isReady: (nowMs: number) => boolean
  /** Resolves when `current` can answer for this time; at once unless nothing was signed for a long while. */
  readonly ready: (nowMs: number) => Promise<void>
  /** The key that verifies this kid now, or null. Looks again for a kid it does not know. */
  readonly find: (kid: string, nowMs: number) => Promise<SigningKey | null>
  /** Every key that verifies or will sign. */
  readonly jwks: (nowMs: number) => Promise<{ readonly keys: readonly PublicJwk[] }>
  readonly reload: () => Promise<void>
  /** Publishes a key that will take over. Null when another process changed the keys first: look, then decide again. */
  readonly rotate: (algorithm: SigningAlgorithm, rotation: Rotation, by: string) => Promise<SigningKey | null>
}

interface Listing {
  readonly keys: readonly SigningKey[]
  readonly storedCount: number
  readonly listedAtMs: number
}

/** Reads the keys; on the first start makes those that everybody needs, which sign at once: nobody has cached a set yet. */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  await resealAll(options)
  const list = watchedList(options, await listWithEach(options, firstAlgorithms, listedAtMs => listedAtMs))
  return {
    current: (algorithm, nowMs) => {
      list.reloadBehind(nowMs)
      if (list.isOlderThan(publishSecondsMin, nowMs)) throw new StoreUnavailable('the list of signing keys is too old')
      return signingAt(list.keys(), algorithm, nowMs)
    },
    prepare: async (algorithm, nowMs) => {
      await list.reloadIfOlderThan(publishSecondsMin, nowMs)
      if (isSigningAt(list.keys(), algorithm, nowMs)) return
      await publishFirst(options, list, algorithm, nowMs)
      if (isSigningAt(list.keys(), algorithm, nowMs)) return
      throw new StoreUnavailable(`the first key for ${algorithm} is published and does not sign yet`)
    },
    publishFirst: (algorithm, nowMs) => publishFirst(options, list, algorithm, nowMs),
    isReady: nowMs => !list.isOlderThan(publishSecondsMin, nowMs),
    ready: nowMs => list.reloadIfOlderThan(publishSecondsMin, nowMs),
    find: async (kid, nowMs) => {
      const isKnown = list.keys().some(key => key.kid === kid)
      await list.reloadIfOlderThan(isKnown ? relistSeconds : unknownKidRelistSeconds, nowMs)
      return publishedAt(list.keys(), nowMs).find(key => key.kid === kid) ?? null
    },
    jwks: async nowMs => {
      await list.reloadIfOlderThan(relistSeconds, nowMs)
      return { keys: publishedAt(list.keys(), nowMs).map(key => key.jwk) }
    },
    reload: list.reload,
    rotate: async (algorithm, rotation, by) => {
      const added = await addSuccessor(options, algorithm, rotation, by)
      await list.reload()
      return list.keys().find(key => key.kid === added?.kid) ?? null
    },
  }
}

async function publishFirst(
  options: SigningKeysOptions,
  list: WatchedList,
  algorithm: SigningAlgorithm,
  nowMs: number,
): Promise<void> {
  // A key that was there when somebody looked has a successor before it goes.
  if (publishedAt(list.keys(), nowMs).some(key => key.algorithm === algorithm)) return
  await list.reload()
  if (list.keys().some(key => key.algorithm === algorithm)) return
  // Where it signs at once it signs for this caller too, whose time was taken before.
  const publishMs = options.firstPublishSeconds * 1000
  await listWithEach(options, [algorithm], listedAtMs => Math.min(listedAtMs, nowMs) + publishMs)
  await list.reload()
}

/** A start with a new master key takes the signing keys along, so that the old master key can be retired (RT-48). */
async function resealAll({ store, sealer }: SigningKeysOptions): Promise<void> {
  for (const stored of await store.list()) {
    const sealed = resealedPrivateKey(stored, sealer)
    if (sealed !== null) await store.reseal(stored.kid, sealed)
  }
}

interface WatchedList {
  readonly keys: () => readonly SigningKey[]
  readonly isOlderThan: (seconds: number, nowMs: number) => boolean
  /** What it shows afterwards was read after the call. */
  readonly reload: () => Promise<void>
  readonly reloadIfOlderThan: (seconds: number, nowMs: number) => Promise<void>
  /** Reads again without anyone waiting: at most once in `relistSeconds`, also while that fails. */
  readonly reloadBehind: (nowMs: number) => void
}

function watchedList(options: SigningKeysOptions, first: Listing): WatchedList {
  let listing = first
  let reading: Promise<void> | null = null
  let nextBehindMs = 0

  const isOlderThan = (seconds: number, nowMs: number): boolean => nowMs >= listing.listedAtMs + seconds * 1000

  async function readAnew(): Promise<void> {
    try {
      listing = await listKeys(options, listing.keys)
    } finally {
      reading = null
    }
  }

  /** However many wait for a fresh enough list, it is read once. */
  function readOnce(): Promise<void> {
    reading ??= readAnew()
    return reading
  }

  return {
    keys: () => listing.keys,
    isOlderThan,
    reload: async () => {
      // A reading under way may have begun before what the caller wants to see; how it ends is its own callers' news.
      if (reading !== null) await Promise.allSettled([reading])
      await readOnce()
    },
    reloadIfOlderThan: async (seconds, nowMs) => {
      if (isOlderThan(seconds, nowMs)) await readOnce()
    },
    reloadBehind: nowMs => {
      if (nowMs < nextBehindMs || !isOlderThan(relistSeconds, nowMs)) return
      nextBehindMs = nowMs + relistSeconds * 1000
      readOnce().catch(options.report)
    },
  }
}

/** The newest key whose time to sign has come. Keys are in the order of `newestFirst`. */
function signingAt(keys: readonly SigningKey[], algorithm: SigningAlgorithm, nowMs: number): SigningKey {
  const key = keys.find(one => one.algorithm === algorithm && one.signsFromMs <= nowMs && isPublished(one, nowMs))
  if (key === undefined) throw new StoreUnavailable(`no key signs ${algorithm} now`)
  return key
}

function isSigningAt(keys: readonly SigningKey[], algorithm: SigningAlgorithm, nowMs: number): boolean {
  return keys.some(one => one.algorithm === algorithm && one.signsFromMs <= nowMs && isPublished(one, nowMs))
}

function publishedAt(keys: readonly SigningKey[], nowMs: number): readonly SigningKey[] {
  return keys.filter(key => isPublished(key, nowMs))
}

function isPublished(key: Pick<StoredSigningKey, 'verifiesUntilMs'>, nowMs: number): boolean {
  return key.verifiesUntilMs === null || nowMs < key.verifiesUntilMs
}

/**
 * Makes a key of each algorithm that has none. Two processes may do so at once: one adds its keys, the other is told
 * `moved` and takes those.
 */
async function listWithEach(
  options: SigningKeysOptions,
  algorithms: readonly SigningAlgorithm[],
  signsFrom: (listedAtMs: number) => number,
): Promise<Listing> {
  for (let attempt = 0; attempt < addAttemptsMax; attempt++) {
    const listing = await listKeys(options, [])
    const missing = algorithms.filter(one => !listing.keys.some(key => key.algorithm === one))
    if (missing.length === 0) return listing
    const nowMs = listing.listedAtMs
    const added = await Promise.all(missing.map(one => newSigningKey(one, options.sealer, nowMs, signsFrom(nowMs))))
    const events = added.map(key => signingKeyAdded(options.entropy, key, 'rule'))
    await options.store.add(added, [], listing.storedCount, events)
  }
  throw new StoreUnavailable(`the signing keys changed ${addAttemptsMax} times while the first ones were made`)
}

/** Time first, list second: what the list lacks was added after that time. Keys opened before are not opened again. */
async function listKeys(options: SigningKeysOptions, known: readonly SigningKey[]): Promise<Listing> {
  const listedAtMs = await options.now()
  const stored = await options.store.list()
  const published = stored.filter(key => isPublished(key, listedAtMs))
  const keys = published.map(key => reopen(key, known, options.sealer)).sort(newestFirst)
  return { keys, storedCount: stored.length, listedAtMs }
}

function reopen(stored: StoredSigningKey, known: readonly SigningKey[], sealer: Sealer): SigningKey {
  const before = known.find(key => key.kid === stored.kid)
  return before === undefined ? openSigningKey(stored, sealer) : { ...before, verifiesUntilMs: stored.verifiesUntilMs }
}

function newestFirst(one: SigningKey, other: SigningKey): number {
  return other.signsFromMs - one.signsFromMs || other.createdAtMs - one.createdAtMs || (one.kid < other.kid ? -1 : 1)
}

async function addSuccessor(
  options: SigningKeysOptions,
  algorithm: SigningAlgorithm,
  rotation: Rotation,
  by: string,
): Promise<StoredSigningKey | null> {
  refuseHasty(rotation)
  const listing = await listKeys(options, [])
  if (listing.keys.length >= publishedKeysMax) {
    throw new RangeError(`${publishedKeysMax} signing keys are published already; wait until some have retired`)
  }
  const nowMs = listing.listedAtMs
  const signsFromMs = nowMs + rotation.publishSeconds * 1000
  const added = await newSigningKey(algorithm, options.sealer, nowMs, signsFromMs)
  const retire = retiredBy(listing.keys, algorithm, signsFromMs + rotation.verifySeconds * 1000)
  const event = signingKeyAdded(options.entropy, added, by)
  const outcome = await options.store.add([added], retire, listing.storedCount, [event])
  return outcome === 'done' ? added : null
}

/** Whoever signs, or waits to, stops when the successor starts; one that retires already keeps its day. */
function retiredBy(
  keys: readonly SigningKey[],
  algorithm: SigningAlgorithm,
  verifiesUntilMs: number,
): readonly { kid: string; verifiesUntilMs: number }[] {
  const live = keys.filter(key => key.algorithm === algorithm && key.verifiesUntilMs === null)
  return live.map(({ kid }) => ({ kid, verifiesUntilMs }))
}

function refuseHasty({ publishSeconds, verifySeconds }: Rotation): void {
  if (!(Number.isSafeInteger(publishSeconds) && publishSeconds >= publishSecondsMin)) {
    throw new RangeError(`a signing key is published at least ${publishSecondsMin} seconds before it signs`)
  }
  if (!(Number.isSafeInteger(verifySeconds) && verifySeconds >= 0)) {
    throw new RangeError('a retired signing key verifies for a whole number of seconds')
  }
}

function signingKeyAdded(entropy: Entropy, added: StoredSigningKey, by: string): AuditEvent {
  const { kid, algorithm, createdAtMs, signsFromMs } = added
  return {
    id: newEventId(createdAtMs, entropy),
    kind: 'signing_key_added',
    atMs: createdAtMs,
    requestId: null,
    familyId: null,
    clientId: null,
    subject: null,
    sessionId: null,
    detail: { kid, algorithm, signsFromMs, by },
  }
}
