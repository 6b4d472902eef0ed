/**
 * Revocations: one row for each family that ended, token that was denied and moment before which a target was cut off, for
 * the feed that tells resource servers. A later cut-off is another row: who has not read the first must find it where it
 * was. Rows come without a place, in the transaction of their cause. Places are given in waves, each a
 * transaction that first writes the row of the store's time: it waits for the wave before it to be visible, and stands
 * behind it. So whoever sees a place sees every earlier one.
 */

import { type ClientId, cutOffOf, type FamilyId } from '@pawl/family'
import type { CutOffTarget } from '../../domain/cut-off/cut-off.ts'
import {
  type LineEnd,
  type PlacedRevocation,
  placesPerMs,
  type RevocationPage,
  type RevocationStore,
  type Revoked,
} from '../../domain/revocation/revocation-store.ts'
import { StoreUnavailable } from '../../domain/store.ts'
import { targetOf, wheresOfTarget } from './cut-offs.ts'
import { scanFamilies } from './family-scan.ts'
import { always, numberAt, numberOrNullAt, type Row, type Sql, textAt } from './sql.ts'
import { readNowMs, type StoreClock } from './store-clock.ts'

/** Waves for one look at the line. */
const wavesMax = 1000

export function sqlRevocations(sql: Sql, clock: StoreClock): RevocationStore {
  return {
    line: async () => {
      // The time comes first: what was acknowledged before it is visible to every look that begins now.
      const asOfMs = await readNowMs(sql, clock)
      return { asOfMs, place: await placeAll(sql, clock) }
    },
    after: async (place, rows) => {
      const found = await sql.read({ text: afterText, params: [place, rows] })
      const revoked = await Promise.all(found.map(row => revokedOf(sql, clock, row)))
      const revocations = found.flatMap((row, at) => placed(numberAt(row, 3), revoked[at] ?? []))
      const last = found.at(-1)
      const page: RevocationPage = {
        revocations,
        place: last === undefined ? place : numberAt(last, 3),
        isFull: found.length === rows,
      }
      return page
    },
  }
}

/** Answers the last place. Nothing waits any more of what was visible when it began. */
async function placeAll(sql: Sql, clock: StoreClock): Promise<number> {
  let line = await readLine(sql)
  for (let wave = 0; line.isAnyWaiting && wave < wavesMax; wave++) {
    await sql.write(always([...clock.raises(), { text: placeText, params: [] }]))
    line = await readLine(sql)
    // A wave that took fewer than it may took all that it saw. What has come since is for the next look.
    if (line.place % placesPerMs !== placesPerMs - 1) return line.place
  }
  if (line.isAnyWaiting) throw new StoreUnavailable(`more than ${wavesMax * placesPerMs} revocations wait for a place`)
  return line.place
}

interface Line extends Pick<LineEnd, 'place'> {
  readonly isAnyWaiting: boolean
}

async function readLine(sql: Sql): Promise<Line> {
  const [row] = await sql.read({ text: lineText, params: [] })
  if (row === undefined) throw new TypeError('the line of revocations cannot be read')
  return { place: numberOrNullAt(row, 0) ?? 0, isAnyWaiting: numberAt(row, 1) === 1 }
}

function placed(place: number, revoked: readonly Revoked[]): readonly PlacedRevocation[] {
  return revoked.map(each => ({ place, revoked: each }))
}

async function revokedOf(sql: Sql, clock: StoreClock, row: Row): Promise<readonly Revoked[]> {
  const kind = textAt(row, 0) as CutOffTarget['kind'] | 'family' | 'token'
  const key = textAt(row, 1)
  const atMs = numberAt(row, 2)
  if (kind === 'family') return [{ kind, familyId: key as FamilyId }]
  if (kind === 'token') return [{ kind, tokenId: key, expiresAtMs: atMs }]
  if (kind === 'everyone') return [{ kind, beforeMs: atMs }]
  if (kind === 'client') return [{ kind, clientId: key as ClientId, beforeMs: atMs }]
  const target = targetOf(kind, key)
  const ended = await endedBy(sql, clock, target)
  return target.kind === 'consent' ? [...ended, ...(await exchangedUnder(sql, clock, target, atMs))] : ended
}

/**
 * The families that are over, and not those that merely ran out: what a shorter lifetime ended comes back with a longer
 * one. A family that is opened after this look is not missed: no step that reads it misses the cut-off, and none issues
 * a token for it.
 */
async function endedBy(sql: Sql, clock: StoreClock, target: CutOffTarget): Promise<readonly Revoked[]> {
  const ended: Revoked[] = []
  for (const where of wheresOfTarget(target)) {
    for await (const { family, cutOffs } of scanFamilies(sql, clock, where, null)) {
      if (family.end !== null || cutOffOf(family, cutOffs) !== null) ended.push({ kind: 'family', familyId: family.id })
    }
  }
  return ended
}

/** A consent that is withdrawn also ends what its client got in exchange for tokens of the same user's other families. */
async function exchangedUnder(
  sql: Sql,
  clock: StoreClock,
  { subject, clientId }: Extract<CutOffTarget, { readonly kind: 'consent' }>,
  beforeMs: number,
): Promise<readonly Revoked[]> {
  const exchanged: Revoked[] = []
  for (const where of wheresOfTarget({ kind: 'user', subject })) {
    for await (const { family } of scanFamilies(sql, clock, where, null)) {
      if (family.grant.clientId === clientId) continue
      exchanged.push({ kind: 'exchanged', familyId: family.id, clientId, beforeMs })
    }
  }
  return exchanged
}

/** A row that waits has the place 0. */
const lineText = `SELECT (SELECT MAX(place) FROM revocations),
CASE WHEN EXISTS (SELECT 1 FROM revocations WHERE place = 0) THEN 1 ELSE 0 END FROM store_clock c WHERE c.id = 1`

const afterText = `SELECT kind, target_key, at_ms, place FROM revocations WHERE place > $1 ORDER BY place LIMIT $2`

/** The statement before it, in the same transaction, has moved the store's time: no two waves have the same. */
const placeText = `UPDATE revocations SET place = t.place FROM (
SELECT u.kind, u.target_key, u.at_ms, (SELECT high_ms FROM store_clock WHERE id = 1) * ${placesPerMs}
+ ROW_NUMBER() OVER (ORDER BY u.kind, u.target_key, u.at_ms) - 1 AS place
FROM (SELECT kind, target_key, at_ms FROM revocations WHERE place = 0 LIMIT ${placesPerMs}) AS u) AS t
WHERE revocations.kind = t.kind AND revocations.target_key = t.target_key AND revocations.at_ms = t.at_ms
AND revocations.place = 0`
