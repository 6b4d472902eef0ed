/**
 * Leases among the tabs and workers of an origin. A row decides who has it, in one transaction. A Web Lock under the name of
 * the lease is its sign of life: the browser frees it with the tab, so that the lease of a tab that was closed is taken over
 * at once. A tab that is frozen keeps its lock; its lease is taken over when its time is over.
 */

import { encodeBase64Url } from '../custody/custody-key.ts'
import type { Lease } from '../custody/custody-store.ts'
import { drawBytes } from '../custody/entropy.ts'
import type { HolderClock } from '../holder/clock.ts'
import { type CustodyDatabase, read, replace } from './custody-database.ts'
import { isLeaseOver, type LeaseTime, leaseTimeFrom } from './lease-time.ts'

interface LeaseRow extends LeaseTime {
  /** Drawn for this lease: nobody else gives it back, and its lock is named after it. */
  readonly token: string
}

/** As `CustodyStore` says. */
export async function leaseOf(
  database: CustodyDatabase,
  clock: HolderClock,
  name: string,
  seconds: number,
): Promise<Lease | null> {
  const standing = await read<LeaseRow>(database, 'leases', name)
  if (standing !== undefined && !isLeaseOver(standing, clock.nowMs()) && (await isAlive(database, standing)))
    return null
  const row: LeaseRow = { token: encodeBase64Url(drawBytes(16)), ...leaseTimeFrom(clock.nowMs(), seconds) }
  // The sign of life comes before the row: a row without one is that of a tab that is gone.
  const letGo = await holdLock(lockOf(database, row))
  // What was found dead may be replaced; what somebody else has put there in the meantime may not.
  const isOver = (kept: LeaseRow) => kept.token === standing?.token || isLeaseOver(kept, clock.nowMs())
  const isStill = (kept: LeaseRow | undefined) => kept === undefined || isOver(kept)
  let isOurs = false
  try {
    isOurs = await replace<LeaseRow>(database, 'leases', { name, isStill, value: row })
  } finally {
    if (!isOurs) letGo()
  }
  return isOurs ? { release: () => release(database, name, row).finally(letGo) } : null
}

async function release(database: CustodyDatabase, name: string, { token }: LeaseRow): Promise<void> {
  await replace<LeaseRow>(database, 'leases', { name, isStill: kept => kept?.token === token, value: null })
}

function lockOf({ name }: CustodyDatabase, { token }: LeaseRow): string {
  return `${name} lease ${token}`
}

/** Holds a lock that nobody else asks for, until the answer is called or the tab is gone. */
function holdLock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks.request(name, () => new Promise<void>(letGo => resolve(letGo))).catch(reject)
  })
}

/** Shared, so that those who ask are not taken for the one who holds it. */
async function isAlive(database: CustodyDatabase, row: LeaseRow): Promise<boolean> {
  return navigator.locks.request(lockOf(database, row), { mode: 'shared', ifAvailable: true }, lock => lock === null)
}
