/**
 * Token Status List (draft-ietf-oauth-status-list): a signed list of bits that anybody may fetch, in which a resource
 * server finds whether the family behind a JWT access token has ended. A bit stands for a family and is set once that is
 * over; since no access token outlives `accessTokenSecondsMax`, only what ended lately has to be known, and that is kept in
 * memory and added to, however many families there are. An access token revoked alone is not in it: introspection tells.
 */

import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import type { Family } from '@pawl/family'
import type { Entropy } from '../entropy.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'
import { StoreUnavailable } from '../store.ts'
import { signJwt } from '../token/sign-jwt.ts'
import type { EndedIndex, StatusStore } from './status-store.ts'

/** Families in one list: 8 KiB before they are compressed. */
export const statusListFamilies = 65_536
/** How old an answer may be: a list is made anew after it, and others keep it no longer. */
export const statusListSeconds = 5
/** How long a list may be believed while no newer one can be had. */
export const statusListGoodSeconds = 60
/** Ended families that are remembered, on each thread. Where more end within an hour, there is no list until then. */
export const endedRememberedMax = 1_000_000
/** Lists that are kept ready, on each thread; the one made longest ago makes room. */
export const listsReadyMax = 256
/** Lists that the list of lists names. */
export const listsNamedMax = 10_000
/** Longer than an access token lives, by what clocks of resource servers may be behind. */
const rememberedSeconds = 3600 + 600
/** A COMMIT may be seen later than the time it carries: that far back is looked again. */
const lookBackSeconds = 60
const gapMax = 16

export interface StatusClaim {
  readonly status_list: { readonly idx: number; readonly uri: string }
}

export interface StatusLists {
  /** What an access token says of where its status is. Gives the family a place where it has none. */
  readonly claimFor: (family: Family) => Promise<StatusClaim>
  /** The list as a signed JWT; null where there is none of that number. */
  readonly listOf: (list: number) => Promise<string | null>
  /** The addresses of all lists. */
  readonly addresses: () => Promise<readonly string[]>
}

export interface StatusListsParts {
  readonly store: StatusStore
  /** The store's time. */
  readonly now: () => Promise<number>
  readonly signingKeys: Pick<SigningKeys, 'current' | 'ready'>
  readonly entropy: Entropy
  /** Where list `n` is. */
  readonly addressOf: (list: number) => string
}

interface Ready {
  readonly text: string
  readonly madeAtMs: number
}

export function statusLists(parts: StatusListsParts): StatusLists {
  const { store, addressOf } = parts
  const memory = endedMemory(store)
  const ready = new Map<number, Ready>()

  async function freshList(list: number, nowMs: number): Promise<string> {
    await Promise.all([memory.lookUntil(nowMs), parts.signingKeys.ready(nowMs)])
    const text = await signedList(parts, { list, ended: memory.endedIn(list), nowMs })
    ready.delete(list)
    const [oldest] = ready.keys()
    if (ready.size >= listsReadyMax && oldest !== undefined) ready.delete(oldest)
    ready.set(list, { text, madeAtMs: nowMs })
    return text
  }

  return {
    claimFor: async ({ id: familyId, absoluteExpiresAtMs }) => {
      const gap = (parts.entropy.bytes(1)[0] ?? 0) % gapMax
      const untilMs = absoluteExpiresAtMs + rememberedSeconds * 1000
      const index = await store.indexOf({ familyId, untilMs, gap })
      const uri = addressOf(Math.floor(index / statusListFamilies))
      return { status_list: { idx: index % statusListFamilies, uri } }
    },
    listOf: async list => {
      const nowMs = await parts.now()
      const known = ready.get(list)
      if (known !== undefined && nowMs < known.madeAtMs + statusListSeconds * 1000) return known.text
      if (list >= (await countLists(store))) return null
      return freshList(list, nowMs)
    },
    addresses: async () => {
      const count = Math.min(await countLists(store), listsNamedMax)
      return Array.from({ length: count }, (_, list) => addressOf(list))
    },
  }
}

async function countLists(store: StatusStore): Promise<number> {
  const highest = await store.highestIndex()
  return highest === null ? 0 : Math.floor(highest / statusListFamilies) + 1
}

interface EndedMemory {
  /** What had ended by then is known afterwards. However many ask at once, the store is asked once. */
  readonly lookUntil: (nowMs: number) => Promise<void>
  /** Places within the list. */
  readonly endedIn: (list: number) => Iterable<number>
}

function endedMemory(store: StatusStore): EndedMemory {
  /** By list and by place in it: when it ended. */
  let lists = new Map<number, Map<number, number>>()
  let lookedAtMs = 0
  let looking: Promise<void> | null = null

  async function look(nowMs: number): Promise<void> {
    try {
      const oldestMs = nowMs - rememberedSeconds * 1000
      const ended = await store.endedSince(Math.max(oldestMs, lookedAtMs - lookBackSeconds * 1000), endedRememberedMax)
      const remembered = remember(forget(lists, oldestMs), ended)
      if (sizeOf(remembered) > endedRememberedMax)
        throw new StoreUnavailable('too many families have ended to list them')
      lists = remembered
      lookedAtMs = nowMs
    } finally {
      looking = null
    }
  }

  return {
    lookUntil: async nowMs => {
      if (nowMs < lookedAtMs + statusListSeconds * 1000) return
      looking ??= look(nowMs)
      await looking
    },
    endedIn: list => lists.get(list)?.keys() ?? [],
  }
}

function remember(lists: Map<number, Map<number, number>>, ended: readonly EndedIndex[]) {
  for (const { index, atMs } of ended) {
    const list = Math.floor(index / statusListFamilies)
    const places = lists.get(list) ?? new Map<number, number>()
    lists.set(list, places.set(index % statusListFamilies, atMs))
  }
  return lists
}

/** What ended before has no token that is alive. */
function forget(lists: ReadonlyMap<number, ReadonlyMap<number, number>>, beforeMs: number) {
  const kept = new Map<number, Map<number, number>>()
  for (const [list, places] of lists) {
    const late = new Map([...places].filter(([, atMs]) => atMs >= beforeMs))
    if (late.size > 0) kept.set(list, late)
  }
  return kept
}

function sizeOf(lists: ReadonlyMap<number, ReadonlyMap<number, number>>): number {
  let size = 0
  for (const places of lists.values()) size += places.size
  return size
}

async function signedList(
  parts: StatusListsParts,
  { list, ended, nowMs }: { readonly list: number; readonly ended: Iterable<number>; readonly nowMs: number },
): Promise<string> {
  const iat = Math.floor(nowMs / 1000)
  return signJwt(parts.signingKeys.current('ES256', nowMs), 'statuslist+jwt', {
    sub: parts.addressOf(list),
    iat,
    exp: iat + statusListGoodSeconds,
    ttl: statusListSeconds,
    status_list: { bits: 1, lst: await encodedBits(ended) },
  })
}

/** One bit for each place, the first in the least significant bit of the first byte, compressed (§4.1, RFC 1950). */
export async function encodedBits(ended: Iterable<number>): Promise<string> {
  const bytes = Buffer.alloc(statusListFamilies / 8)
  for (const place of ended) bytes[place >> 3] = (bytes[place >> 3] ?? 0) | (1 << (place & 7))
  return (await compress(bytes, { level: 9 })).toString('base64url')
}

const compress = promisify<Buffer, { level: number }, Buffer>(deflate)
