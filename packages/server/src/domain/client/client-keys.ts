/**
 * The keys of a client, registered with it or published by it at its `jwks_uri` (RFC 7591 §2). A published set is kept for
 * a while and fetched again when it is old, or when a key is wanted that it does not have; but never more than once in
 * `fetchIntervalSeconds` for one client, whatever comes (SF-09). So a key that was taken out of a set is dead at the latest
 * `freshSeconds` later, and `staleSeconds` later where the set cannot be fetched.
 */

import type { ClientId } from '@pawl/family'
import { isOutboundError, type Outbound } from '../outbound/outbound.ts'
import { type ClientSource, isVouchedFor } from './client-source.ts'
import { type ClientKey, isKey, type Jwk, judgeKey } from './client-key.ts'
import { keySetBytesMax, parseKeySet } from './key-set.ts'

/** How long a fetched set is used without asking again. */
export const freshSeconds = 600
/** How long it goes on while it cannot be fetched. */
export const staleSeconds = 3600
/** The least time from one fetch for a client to the next, a failed one included. */
export const fetchIntervalSeconds = 60
export const fetchSecondsMax = 3
/**
 * Clients whose sets are kept, of those that somebody vouches for and as many of all others: strangers take no room from
 * anybody else. While each of them was fetched for in the last interval, nobody else of theirs is fetched for.
 */
export const keySetsKeptMax = 512
/** Sets of strangers that are fetched at once in this process: they must leave room for the requests of others. */
export const strangersUnderWayMax = 16

export interface KeyOwner {
  readonly id: ClientId
  readonly jwks: readonly Jwk[]
  readonly jwksUri: string | null
  readonly source: ClientSource | null
}

export interface ClientKeys {
  /**
   * The keys of that kid, or all of them where none is named. Empty where there is no such key, or where the set could not
   * be fetched: nothing can be proven then. Never rejects for what the other side does.
   */
  readonly of: (owner: KeyOwner, kid?: string | null) => Promise<readonly ClientKey[]>
  /** The same for the keys that came with this very certificate, in DER (RFC 8705 §2.2). */
  readonly withCertificate: (owner: KeyOwner, der: Uint8Array) => Promise<readonly ClientKey[]>
}

export interface ClientKeysParts {
  readonly outbound: Outbound
  readonly nowMs: () => number
  /** Told why a set could not be had. The sentence holds no secret. */
  readonly report: (sentence: string) => void
}

interface Published {
  readonly uri: string
  readonly keys: readonly ClientKey[]
  readonly fetchedAtMs: number
  readonly triedAtMs: number
  /** The fetch under way: whoever comes meanwhile waits for the same one. */
  readonly underWay: Promise<readonly ClientKey[]> | null
}

interface Room {
  readonly sets: Map<string, Published>
  readonly underWayMax: number
  /** True where a client that moves its keys waits like one that does not: else each move would pay for a fetch. */
  readonly movesWait: boolean
}

export function clientKeys(parts: ClientKeysParts): ClientKeys {
  const own: Room = { sets: new Map(), underWayMax: keySetsKeptMax, movesWait: false }
  const strangers: Room = { sets: new Map(), underWayMax: strangersUnderWayMax, movesWait: true }

  async function publishedKeys(owner: KeyOwner, uri: string, isWanted: IsWanted): Promise<readonly ClientKey[]> {
    const room = isVouchedFor(owner) ? own : strangers
    const nowMs = parts.nowMs()
    const known = knownOf(room, owner, uri)
    const isDue = !known.keys.some(isWanted) || nowMs >= known.fetchedAtMs + freshSeconds * 1000
    // Whose key is here does not wait for a fetch that anybody can set off by naming a key that is not.
    if (!isDue) return known.keys
    if (known.underWay !== null) return known.underWay
    if (nowMs >= known.triedAtMs + fetchIntervalSeconds * 1000 && makeRoom(room, owner.id, nowMs)) {
      const underWay = refetch(room, owner, known, nowMs)
      room.sets.set(owner.id, { ...known, triedAtMs: nowMs, underWay })
      return underWay
    }
    return nowMs < known.fetchedAtMs + staleSeconds * 1000 ? known.keys : []
  }

  async function refetch(room: Room, owner: KeyOwner, known: Published, nowMs: number): Promise<readonly ClientKey[]> {
    let kept = known
    try {
      const keys = await fetchKeys(parts, owner, known.uri)
      if (keys !== null) kept = { ...known, keys, fetchedAtMs: nowMs }
    } finally {
      // Unless the client has moved meanwhile: then this is news of where it was.
      if (room.sets.get(owner.id)?.uri === known.uri) {
        room.sets.set(owner.id, { ...kept, triedAtMs: nowMs, underWay: null })
      }
    }
    return nowMs < kept.fetchedAtMs + staleSeconds * 1000 ? kept.keys : []
  }

  async function find(owner: KeyOwner, isWanted: IsWanted): Promise<readonly ClientKey[]> {
    const { jwksUri } = owner
    const keys = jwksUri === null ? registeredKeys(owner) : await publishedKeys(owner, jwksUri, isWanted)
    return keys.filter(isWanted)
  }

  return {
    of: (owner, kid = null) => find(owner, kid === null ? () => true : key => key.kid === kid),
    withCertificate: (owner, der) =>
      find(owner, ({ certificate }) => certificate !== null && Buffer.from(certificate).equals(der)),
  }
}

type IsWanted = (key: ClientKey) => boolean

const never = Number.NEGATIVE_INFINITY

/** What is known of the set at this address; of another address, when it was last asked. */
function knownOf({ sets, movesWait }: Room, { id }: KeyOwner, uri: string): Published {
  const before = sets.get(id)
  if (before?.uri === uri) return before
  const triedAtMs = movesWait && before !== undefined ? before.triedAtMs : never
  return { uri, keys: [], fetchedAtMs: never, triedAtMs, underWay: null }
}

/** The parsed keys of registered sets: the store hands out the same object while the client does not change. */
const parsedSets = new WeakMap<readonly Jwk[], readonly ClientKey[]>()

/** The keys that stand in the registration. They were judged when it was written. */
export function registeredKeys({ jwks }: Pick<KeyOwner, 'jwks'>): readonly ClientKey[] {
  const known = parsedSets.get(jwks)
  if (known !== undefined) return known
  const keys = jwks.map(judgeKey).filter(isKey)
  parsedSets.set(jwks, keys)
  return keys
}

/** The one fetched for longest ago makes room, unless that is so short ago that forgetting it would break the promise. */
function makeRoom({ sets, underWayMax }: Room, name: string, nowMs: number): boolean {
  const underWay = [...sets.values()].filter(set => set.underWay !== null)
  if (underWay.length >= underWayMax) return false
  if (sets.has(name)) return sets.delete(name)
  if (sets.size < keySetsKeptMax) return true
  const [oldest] = sets
  if (oldest === undefined || nowMs < oldest[1].triedAtMs + fetchIntervalSeconds * 1000) return false
  return sets.delete(oldest[0])
}

/** The keys; none where the set must not be used; null where there was no answer, and those known may go on for a while. */
async function fetchKeys(
  { outbound, report }: ClientKeysParts,
  owner: KeyOwner,
  uri: string,
): Promise<readonly ClientKey[] | null> {
  const about = `the keys of client ${owner.id}`
  try {
    const limits = { bytesMax: keySetBytesMax, secondsMax: fetchSecondsMax, forStranger: !isVouchedFor(owner) }
    const answer = await outbound.send({ url: uri, method: 'GET', ...limits, accept })
    if (answer.status !== 200) return tell(report, `${about} were answered with status ${answer.status}`)
    const set = parseKeySet(Buffer.from(answer.body).toString('utf8'), 'published')
    if ('keys' in set) return set.keys
    report(`${about} are refused: ${set.refusal}`)
    return []
  } catch (error) {
    // What the other side does is no fault of ours: without keys nothing is proven, and that is the whole effect.
    if (isOutboundError(error)) return tell(report, `${about} could not be fetched: ${error.message}`)
    throw error
  }
}

const accept = ['application/jwk-set+json', 'application/json']

function tell(report: (sentence: string) => void, sentence: string): null {
  report(sentence)
  return null
}
