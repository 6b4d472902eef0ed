/**
 * One SQLite file, any number of processes of one machine: for services that have one already, and wherever many grants
 * are kept. Each verb is one statement, which SQLite runs alone, with the log flushed before it answers. The tables are
 * its own and begin with `pawl_custody`, so the file may be the application's. A file that others may use is refused.
 */

import { closeSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { CustodyStore, KeptRecord, Lease } from '../custody/custody-store.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { newMark, readMark } from './claim-mark.ts'
import { CustodyExposed } from './custody-exposed.ts'
import { withEnd } from './expiry.ts'
import { leaseTimeFrom } from './lease-time.ts'
import { attempts } from './patience.ts'
import { checkPrivate, ownerOnlyDirectory, ownerOnlyFile } from './private-place.ts'
import { type ProcessOwner, standingOf, thisProcess } from './process-owner.ts'
import { prepareStatements, type SqliteStatements } from './sqlite-statements.ts'
import { withoutKey } from './without-key.ts'

export interface SqliteStore extends CustodyStore {
  /** Closes the file. What was acknowledged is on the disk already. */
  close(): void
}

/** How long a verb waits for others that write, all pauses together, before it fails with SQLite's error. */
export const busyMsMax = 10_000

/**
 * Makes the file and its tables where they are missing. Rejects with `CustodyExposed` when somebody else may use the
 * file, and with an error that says why where SQLite cannot make its answers durable there. A lease ends with the process
 * that took it, where the system says when a process began (Linux).
 */
export async function openSqliteStore(path: string, clock: HolderClock = machineClock): Promise<SqliteStore> {
  const file = resolve(path)
  preparePrivateFile(file)
  // SQLite's own waiting would stop this thread.
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    await patiently(() => configure(database))
    const statements = await patiently(() => prepareStatements(database))
    return storeOn({ database, statements, clock, me: thisProcess() })
  } catch (error) {
    database.close()
    throw error
  }
}

interface Place {
  readonly database: DatabaseSync
  readonly statements: SqliteStatements
  readonly clock: HolderClock
  readonly me: ProcessOwner
}

function storeOn(place: Place): SqliteStore {
  const { statements, database, clock } = place
  return {
    keepsKeys: false,
    load: name => patiently(() => loadFrom(place, name)),
    save: async (name, record, ifVersion) => save(place, name, withoutKey(record), ifVersion),
    lease: (name, seconds) => patiently(() => lease(place, name, seconds)),
    remove: async (name, ifVersion) => {
      const { changes } = await patiently(() => statements.remove.run(name, ifVersion, clock.nowMs()))
      return changes === 1 ? 'removed' : 'moved'
    },
    close: () => database.close(),
  }
}

function loadFrom({ statements, clock }: Place, name: string): KeptRecord | null {
  const row = statements.load.get(name, clock.nowMs())
  if (row === undefined) return null
  const expiresAtMs = row['expires_at_ms']
  return withEnd(String(row['version']), String(row['sealed']), expiresAtMs === null ? null : Number(expiresAtMs))
}

async function save(place: Place, name: string, record: KeptRecord, ifVersion: string | null) {
  const { insert, update, sweep } = place.statements
  const { version, sealed, expiresAtMs = null } = record
  const nowMs = place.clock.nowMs()
  await patiently(() => sweep.run(nowMs))
  const { changes } = await patiently(() =>
    ifVersion === null
      ? insert.run(name, version, sealed, expiresAtMs, nowMs)
      : update.run(version, sealed, expiresAtMs, name, ifVersion, nowMs),
  )
  return changes === 1 ? 'saved' : 'moved'
}

function lease({ statements, clock, me }: Place, name: string, seconds: number): Lease | null {
  const { takenAtMs, untilMs } = leaseTimeFrom(clock.nowMs(), seconds)
  const mark = newMark(me)
  const isTaken =
    statements.lease.run(name, mark, takenAtMs, untilMs).changes === 1 || takeFromDead(statements, name, mark)
  if (!isTaken) return null
  return {
    release: async () => {
      await patiently(() => statements.release.run(name, mark, clock.nowMs()))
    },
  }

  function takeFromDead({ leasedBy, takeOver }: SqliteStatements, from: string, to: string): boolean {
    const held = leasedBy.get(from)?.['mark']
    const owner = readMark(String(held))?.owner
    if (owner === undefined || standingOf(owner, me) !== 'dead') return false
    return takeOver.run(to, takenAtMs, untilMs, from, String(held)).changes === 1
  }
}

/** The file is the owner's alone before anything is in it; SQLite gives its log and index the same mode. */
function preparePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: ownerOnlyDirectory })
  closeSync(openSync(path, 'a', ownerOnlyFile))
  const stats = lstatSync(path)
  if (!stats.isFile()) throw new CustodyExposed(`'${path}' is no file, or a link to one: name the file`)
  checkPrivate(path, stats)
}

function configure(database: DatabaseSync): void {
  const set = (pragma: string): unknown => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]
  const journal = set('journal_mode = WAL')
  if (journal !== 'wal') {
    throw new Error(`SQLite keeps its journal as ${String(journal)} here: put the file on a local disk that allows WAL`)
  }
  set('synchronous = FULL')
  if (set('synchronous') !== fullSynchronous) throw new Error('SQLite does not flush here before it answers')
  // Only macOS knows the difference: there a plain flush stops at the drive's own cache.
  set('fullfsync = ON')
  set('checkpoint_fullfsync = ON')
  set('trusted_schema = OFF')
}

const fullSynchronous = 2

/** Tries again while another process writes. */
async function patiently<T>(act: () => T): Promise<T> {
  for await (const waitedMs of attempts()) {
    try {
      return act()
    } catch (error) {
      if (!isBusy(error) || waitedMs >= busyMsMax) throw error
    }
  }
  throw new Error('attempts never end')
}

/** SQLITE_BUSY, SQLITE_LOCKED and SQLITE_PROTOCOL: somebody else has what is needed (sqlite.org/rescode.html). */
const busyCodes = [5, 6, 15]

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  return busyCodes.includes(error.errcode & 0xff)
}
