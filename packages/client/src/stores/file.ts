/**
 * One directory, one sealed file for each grant, any number of processes of one machine: for command lines, agents and
 * services without a database. A record is written aside, flushed, and renamed over the old one under a lock that dies
 * with its owner, so wherever a process is killed, or the power fails, the old record is whole or the new one is. The
 * directory and its files are the owner's alone; what others may read or write is refused. Files are named by a hash of
 * the grant's name, so no name leads out of the directory and no file system takes two names for one.
 *
 * Not for a network disk that several machines write: there use PostgreSQL or Redis.
 */

import { createHash } from 'node:crypto'
import { renameSync, unlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { giveBack, tryClaim } from './claim.ts'
import { newMark, readMark } from './claim-mark.ts'
import { type FileLock, underLock } from './file-lock.ts'
import { isOver } from './expiry.ts'
import { freshEnding, grantEnding, leaseEnding, lockEnding, sweepDirectory, sweepingOver } from './file-sweep.ts'
import { readGrantFile, writeGrantFile } from './file-record.ts'
import { isLeaseOver, leaseTimeFrom } from './lease-time.ts'
import { flushDirectory, preparePrivateDirectory, writePrivateFile } from './private-place.ts'
import { type ProcessOwner, standingOf, thisProcess } from './process-owner.ts'
import { withoutKey } from './without-key.ts'

/** What a store was opened with. */
interface Place {
  readonly directory: string
  readonly me: ProcessOwner
  readonly clock: HolderClock
  /** Looks at a few records of others and removes those that are over. */
  readonly sweepOver: () => void
}

/**
 * Makes the directory where it is missing, and clears away what killed processes left. Throws `CustodyExposed` when
 * somebody else may use it. There is nothing to close.
 *
 * A lease ends with the process that took it, on Linux at once, where a system does not say when a process began, once its
 * id is free.
 */
export function fileStore(directory: string, clock: HolderClock = machineClock): CustodyStore {
  preparePrivateDirectory(directory)
  const [whole, me] = [resolve(directory), thisProcess()]
  sweepDirectory(whole, me, clock.nowMs())
  const place: Place = { directory: whole, me, clock, sweepOver: sweepingOver(whole, me, clock) }
  return {
    keepsKeys: false,
    load: async name => loadFrom(place, name),
    save: async (name, record, ifVersion) => save(place, name, withoutKey(record), ifVersion),
    lease: async (name, seconds) => lease(place, name, seconds),
    remove: (name, ifVersion) => remove(place, name, ifVersion),
  }
}

function loadFrom(place: Place, name: string): KeptRecord | null {
  const path = pathOf(place, name, grantEnding)
  const kept = readGrantFile(path)
  if (kept === null) return null
  if (kept.name !== name) throw new Error(`'${path}' is the file of another grant: remove it and sign in again`)
  return isOver(kept.record, place.clock.nowMs()) ? null : kept.record
}

function versionIn(place: Place, name: string): string | null {
  return loadFrom(place, name)?.version ?? null
}

async function save(place: Place, name: string, record: KeptRecord, ifVersion: string | null) {
  // Whoever is late already need not flush anything; whoever is not is compared again under the lock.
  if (versionIn(place, name) !== ifVersion) return 'moved'
  // Before anything is written: what goes wrong with others' records must not make this save one of unknown outcome.
  place.sweepOver()
  const fresh = join(place.directory, `${newMark(place.me)}${freshEnding}`)
  try {
    await writePrivateFile(fresh, writeGrantFile(name, record))
    const answer = await underLock(lockOf(place, name), check => {
      if (versionIn(place, name) !== ifVersion) return 'moved'
      check()
      renameSync(fresh, pathOf(place, name, grantEnding))
      return 'saved'
    })
    if (answer === 'saved') await flushDirectory(place.directory)
    return answer
  } finally {
    await rm(fresh, { force: true })
  }
}

async function remove(place: Place, name: string, ifVersion: string) {
  const answer = await underLock(lockOf(place, name), check => {
    if (versionIn(place, name) !== ifVersion) return 'moved'
    check()
    unlinkSync(pathOf(place, name, grantEnding))
    return 'removed'
  })
  if (answer === 'removed') await flushDirectory(place.directory)
  return answer
}

function lease(place: Place, name: string, seconds: number) {
  const path = pathOf(place, name, leaseEnding)
  const mark = newMark(place.me, leaseTimeFrom(place.clock.nowMs(), seconds))
  const held = tryClaim(path, mark, other => isLeaseFree(other, place.me, place.clock.nowMs()))
  if (held !== null) return null
  return {
    release: async () => {
      giveBack(path, mark)
    },
  }
}

/** What is no mark of a lease keeps nobody from refreshing. */
function isLeaseFree(mark: string, me: ProcessOwner, nowMs: number): boolean {
  const { owner, time } = readMark(mark) ?? {}
  if (owner === undefined || time === undefined || time === null) return true
  return isLeaseOver(time, nowMs) || standingOf(owner, me) === 'dead'
}

function lockOf(place: Place, name: string): FileLock {
  return { path: pathOf(place, name, lockEnding), mark: newMark(place.me), me: place.me }
}

function pathOf({ directory }: Place, name: string, ending: string): string {
  return join(directory, `${createHash('sha256').update(name).digest('hex')}${ending}`)
}
