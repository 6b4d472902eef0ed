/** What puts a revocation into the feed, for the transaction of whatever causes it. */

import type { FamilyId } from '@pawl/family'
import type { Statement } from './sql.ts'
import type { StoreClock } from './store-clock.ts'

/** Longer than a row is told about: what nobody reads leaves as well. */
const keptMs = 2 * 3_600_000

/** An end is written again where it was not acknowledged, and told once. */
export function revokedFamily(familyId: FamilyId, atMs: number, clock: StoreClock): Statement {
  return { text: familyText, params: [familyId, atMs, clock.nowMs(0)] }
}

/** Kept until then. */
export function revokedToken(tokenId: string, expiresAtMs: number, untilMs: number): Statement {
  return { text: tokenText, params: [tokenId, expiresAtMs, untilMs] }
}

/**
 * Behind the statement that sets the cut-off: told as that one left it. With the moment that was there before it is told
 * again, because it may spare nobody any more.
 */
export function revokedByCutOff(kind: string, key: string): Statement {
  return { text: cutOffText, params: [kind, key] }
}

/** The same where it is settled: told again only with a later moment. */
export function revokedByLaterCutOff(kind: string, key: string): Statement {
  return { text: laterText, params: [kind, key] }
}

const familyText = `INSERT INTO revocations (kind, target_key, at_ms, until_ms)
VALUES ('family', $1, $2, store_now($3) + ${keptMs}) ON CONFLICT DO NOTHING`

const tokenText = `INSERT INTO revocations (kind, target_key, at_ms, until_ms) VALUES ('token', $1, $2, $3)
ON CONFLICT DO NOTHING`

const fromCutOffText = `INSERT INTO revocations (kind, target_key, at_ms, until_ms)
SELECT kind, target_key, at_ms, set_at_ms + ${keptMs} FROM cut_offs WHERE kind = $1 AND target_key = $2`

const cutOffText = `${fromCutOffText}
ON CONFLICT (kind, target_key, at_ms) DO UPDATE SET until_ms = excluded.until_ms, place = 0`

const laterText = `${fromCutOffText} ON CONFLICT DO NOTHING`
