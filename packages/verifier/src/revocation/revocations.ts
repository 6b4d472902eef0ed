/**
 * What is known to be revoked: what the feed of Pawl told, each piece until no token that it concerns can be alive. One
 * look costs the same however much is known.
 */

import { isObject } from '../bounded-fetch.ts'
import type { Claims } from '../verdict.ts'
import { expiringNames, expiringNumbers } from './expiring-names.ts'

/** About 100 bytes each. A feed that tells more at one time is not followed any further. */
export const revocationsKnownMax = 1_000_000

export type FeedEntry =
  | { readonly kind: 'family'; readonly fam: string; readonly untilMs: number }
  | ({ readonly kind: 'exchanged'; readonly fam: string; readonly clientId: string } & Before)
  | ({ readonly kind: 'client'; readonly clientId: string } & Before)
  | ({ readonly kind: 'everyone' } & Before)
  | { readonly kind: 'token'; readonly jti: string; readonly untilMs: number }

interface Before {
  readonly beforeMs: number
  readonly untilMs: number
}

export interface Revocations {
  readonly add: (entry: FeedEntry) => void
  /** Forgets what no living token is concerned by, at that moment of the server's time. */
  readonly forgetBefore: (serverMs: number) => void
  /** Half a sentence of why the token is dead, or null. */
  readonly judge: (claims: Claims) => string | null
  readonly count: () => number
}

export function revocations(): Revocations {
  const families = expiringNames()
  const tokens = expiringNames()
  const exchanged = expiringNumbers()
  const clients = expiringNumbers()
  const everyone = expiringNumbers()
  const all = [families, exchanged, clients, tokens, everyone]

  return {
    add: entry => {
      switch (entry.kind) {
        case 'family':
          return families.add(entry.fam, entry.untilMs)
        case 'exchanged':
          return exchanged.raise(pairOf(entry.fam, entry.clientId), entry.beforeMs, entry.untilMs)
        case 'client':
          return clients.raise(entry.clientId, entry.beforeMs, entry.untilMs)
        case 'everyone':
          return everyone.raise('', entry.beforeMs, entry.untilMs)
        case 'token':
          return tokens.add(entry.jti, entry.untilMs)
      }
    },
    forgetBefore: serverMs => {
      for (const map of all) map.forgetBefore(serverMs)
    },
    count: () => all.reduce((sum, map) => sum + map.size(), 0),
    judge: claims => {
      const { pawl, jti, client_id: clientId } = claims
      if (!isObject(pawl) || typeof clientId !== 'string') return 'it does not say what the revocation feed speaks of'
      const { fam, opened_ms: openedMs, made_ms: madeMs, owner } = pawl
      if (typeof fam !== 'string' || typeof openedMs !== 'number') return 'its pawl claim is not whole'
      const isBefore = (at: unknown, cutOffMs: number | undefined): boolean =>
        cutOffMs !== undefined && !(typeof at === 'number' && at >= cutOffMs)
      if (families.has(fam)) return 'its family has ended'
      if (typeof jti === 'string' && tokens.has(jti)) return 'it was revoked by itself'
      if (isBefore(openedMs, everyone.get(''))) return 'everything of its time was cut off'
      const ownerId = typeof owner === 'string' ? owner : clientId
      if (isBefore(openedMs, clients.get(ownerId))) return 'its client was cut off'
      if (typeof owner !== 'string') return null
      if (isBefore(madeMs, clients.get(clientId))) return 'the client it was exchanged for was cut off'
      return isBefore(madeMs, exchanged.get(pairOf(fam, clientId))) ? 'what it was exchanged to was ended' : null
    },
  }
}

/** A handle has no space in it. */
function pairOf(fam: string, clientId: string): string {
  return `${fam} ${clientId}`
}
