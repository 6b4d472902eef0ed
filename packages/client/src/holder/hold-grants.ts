/** The holder: what an application calls, built out of the parts beside it. */

import { randomShare } from '../custody/entropy.ts'
import { machineClock } from './clock.ts'
import { RefreshPostponed, RefreshRefused } from './failures.ts'
import { makeFetchAs } from './fetch-as.ts'
import { handedOut, livingToken, tokenFor, viewOf } from './grant-life.ts'
import { type Held, heldGrants } from './held.ts'
import type { AccessToken, ExchangeRequest, Holder, HolderOptions, Wanted } from './holder.ts'
import { demandLiving, type Inside, issuerNowMs, reread, teller } from './inside.ts'
import { endGrant, keepFresh } from './keep.ts'
import { limitsDefault } from './limits.ts'
import { obtain } from './obtain.ts'
import type { Goal } from './refresh.ts'
import { saveUnsaved } from './save-answer.ts'
import { serverOf } from './server.ts'
import { type Kept, openVault } from './vault.ts'

/**
 * Holds the grants of one client in one store. Any number of holders, in any number of processes and tabs, may share the
 * store and the custody key: together they refresh each grant once. Asks nobody for anything until it is used.
 */
export function holdGrants(options: HolderOptions): Holder {
  const { inside, background } = build(options)
  const held = heldGrants()
  const unwatch = watch(inside, options, held.find)
  let isClosed = false
  const of = (grant: string) => {
    if (isClosed) throw new TypeError('this holder is closed')
    return held.of(grant)
  }
  const holder: Holder = {
    keep: async (grant, fresh) => viewOf(grant, await keepFresh(inside, of(grant), fresh)),
    async look(grant) {
      const kept = await reread(inside, of(grant))
      return kept === null ? null : viewOf(grant, kept)
    },
    accessToken: async (grant, wanted = {}) => accessToken(inside, of(grant), wanted),
    fetchAs: (grant, target) => makeFetchAs(inside, () => of(grant), holder, target),
    refresh: async grant => viewOf(grant, await refreshNow(inside, of(grant))),
    exchange: async (grant, request, taken) =>
      viewOf(grant, await obtain(inside, of(grant), exchangeGoal(request, taken))),
    end: async grant => endGrant(inside, of(grant)),
    async close() {
      isClosed = true
      unwatch()
      await Promise.allSettled(background)
      await Promise.allSettled([...held.all()].map(each => each.queue))
      await Promise.all([...held.all()].map(each => saveUnsaved(inside, each)))
    },
  }
  return holder
}

function build(options: HolderOptions): { readonly inside: Inside; readonly background: ReadonlySet<Promise<void>> } {
  const background = new Set<Promise<void>>()
  const tell = teller(options)
  const inside: Inside = {
    custody: options,
    vault: openVault(options),
    limits: { ...limitsDefault, ...options.limits },
    clock: options.clock ?? machineClock,
    chance: options.chance ?? randomShare,
    server: serverOf(options),
    skew: { ms: 0, isMeasured: false },
    tell,
    inBackground(grant, work) {
      const done = work
        .then(() => undefined)
        .catch((error: unknown) => tell({ kind: 'trouble', grant, error }))
        .finally(() => background.delete(done))
      background.add(done)
    },
  }
  return { inside, background }
}

/** A grant that somebody moved or removed is looked at again, and whoever waits for it is woken. */
function watch(inside: Inside, { store }: HolderOptions, find: (name: string) => Held | undefined): () => void {
  if (store.watch === undefined) return () => undefined
  return store.watch((name, version) => {
    const held = find(name)
    if (held === undefined || held.kept?.version === version) return
    held.readAtMs = Number.NEGATIVE_INFINITY
    held.bell.abort()
    held.bell = new AbortController()
    inside.tell({ kind: 'moved', grant: name, isRemoved: version === null })
  })
}

async function accessToken(inside: Inside, held: Held, wanted: Wanted): Promise<AccessToken> {
  const marginMs = inside.limits.expiryMarginSeconds * 1000
  const kept = held.unsaved?.kept ?? demandLiving(held.name, await remembered(inside, held))
  const nowMs = issuerNowMs(inside)
  const living = livingToken(kept.grant, wanted, nowMs, marginMs)
  if (living !== null) {
    const { token, issuedAtMs, expiresAtMs } = living
    const leftShare = (expiresAtMs - nowMs) / (expiresAtMs - issuedAtMs)
    if (leftShare < held.renewShare && held.unsaved === null && kept.grant.refreshToken !== null) {
      renewAhead(inside, held, { ...wanted, ifNot: token })
    }
    return handedOut(kept, living, inside.skew.ms)
  }
  const refreshed = await obtain(inside, held, tokenGoal(inside, wanted, true))
  const token = tokenFor(refreshed.grant, wanted)
  if (token === null) throw new RefreshRefused(held.name, 'invalid_response')
  return handedOut(refreshed, token, inside.skew.ms)
}

/** What the store had a moment ago; looked at again when that is too long ago. */
async function remembered(inside: Inside, held: Held): Promise<Kept | null> {
  const ageMs = inside.clock.nowMs() - held.readAtMs
  // A clock that was put back makes an age of less than nothing.
  const isRecent = ageMs >= 0 && ageMs < inside.limits.rereadSeconds * 1000
  return isRecent && held.kept !== null ? held.kept : reread(inside, held)
}

/** Nobody waits for it, and its outcome is told as an event. */
function renewAhead(inside: Inside, held: Held, wanted: Wanted): void {
  if (held.running.size > 0) return
  const { cooldown } = held
  if (cooldown !== null && cooldown.untilMs > inside.clock.nowMs()) return
  const told = obtain(inside, held, tokenGoal(inside, wanted, false)).catch((error: unknown) => {
    if (!(error instanceof RefreshPostponed || error instanceof RefreshRefused)) throw error
  })
  inside.inBackground(held.name, told)
}

function tokenGoal(inside: Inside, wanted: Wanted, waits: boolean): Goal {
  const { resource = null, scope = null, ifNot = null } = wanted
  const marginMs = inside.limits.expiryMarginSeconds * 1000
  return {
    key: JSON.stringify([resource, scope, ifNot, waits]),
    wanted,
    isMet: ({ grant }) => livingToken(grant, wanted, issuerNowMs(inside), marginMs) !== null,
    waits,
    exchange: null,
  }
}

/** Moves the grant one generation on from where it is now, unless somebody else does so first. */
async function refreshNow(inside: Inside, held: Held): Promise<Kept> {
  const { grant } = demandLiving(held.name, await reread(inside, held))
  const seen = { grantId: grant.grantId, generation: grant.generation }
  return obtain(inside, held, {
    key: JSON.stringify(['refresh', seen.grantId, seen.generation]),
    wanted: {},
    isMet: kept => kept.grant.grantId !== seen.grantId || kept.grant.generation > seen.generation,
    waits: true,
    exchange: null,
  })
}

function exchangeGoal(request: ExchangeRequest, taken: NonNullable<Goal['exchange']>['taken']): Goal {
  return {
    key: JSON.stringify(['exchange', request]),
    wanted: {},
    isMet: () => false,
    waits: true,
    exchange: { ...request, taken },
  }
}
