/**
 * What the directory of a file store holds, and what is cleared away when one is opened: files and claims that were being
 * made by a process that died, locks and leases that are over. So what killed processes leave is bounded by how many were
 * killed since the last start.
 */

import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { asideEnding, giveBack, tryClaim } from './claim.ts'
import { newMark, readMark } from './claim-mark.ts'
import { randomShare } from '../custody/entropy.ts'
import type { HolderClock } from '../holder/clock.ts'
import { isOver, sweptPerSave } from './expiry.ts'
import { readGrantFile } from './file-record.ts'
import { isLeaseOver } from './lease-time.ts'
import { type ProcessOwner, standingOf } from './process-owner.ts'

/** A record. */
export const grantEnding = '.grant'
/** A record that is being written. */
export const freshEnding = '.new'
export const lockEnding = '.lock'
export const leaseEnding = '.lease'

/** What was left by somebody of whom nothing can be known, such as another container, is left for as long. */
export const strangerSeconds = 86_400

/** Changes nothing that belongs to a living process. */
export function sweepDirectory(directory: string, me: ProcessOwner, nowMs: number): void {
  for (const entry of readdirSync(directory)) {
    const path = join(directory, entry)
    if (entry.endsWith(freshEnding)) sweepLeftover(path, entry.slice(0, -freshEnding.length), me, nowMs)
    if (entry.endsWith(asideEnding)) sweepLeftover(path, entry.slice(0, -asideEnding.length), me, nowMs)
    if (entry.endsWith(lockEnding) || entry.endsWith(leaseEnding)) sweepClaim(path, me, nowMs)
  }
}

/**
 * Each call looks at the next few records of the directory, round and round, and removes those that are over. One that
 * somebody is at work on is left, and so is whatever cannot be read: whoever asks for it is told.
 */
export function sweepingOver(directory: string, me: ProcessOwner, clock: HolderClock): () => void {
  let round: string[] = []
  return () => {
    if (round.length === 0) round = recordsFromAnywhere(directory)
    for (const entry of round.splice(0, sweptPerSave)) removeIfOver(join(directory, entry), me, clock.nowMs())
  }
}

/** Beginning anywhere, so that processes which save once and end do not all look at the same few. */
function recordsFromAnywhere(directory: string): string[] {
  const records = readdirSync(directory).filter(entry => entry.endsWith(grantEnding))
  const start = Math.floor(randomShare() * records.length)
  return [...records.slice(start), ...records.slice(0, start)]
}

function removeIfOver(path: string, me: ProcessOwner, nowMs: number): void {
  if (!isFileOver(path, nowMs)) return
  const lock = `${path.slice(0, -grantEnding.length)}${lockEnding}`
  const ours = newMark(me)
  if (tryClaim(lock, ours, () => false) !== null) return
  if (isFileOver(path, nowMs)) rmSync(path, { force: true })
  giveBack(lock, ours)
}

function isFileOver(path: string, nowMs: number): boolean {
  try {
    const kept = readGrantFile(path)
    return kept !== null && isOver(kept.record, nowMs)
  } catch {
    // Damaged, or open to others: nothing is known of its end.
    return false
  }
}

function sweepLeftover(path: string, text: string, me: ProcessOwner, nowMs: number): void {
  const mark = readMark(text)
  if (mark === null) return
  const standing = standingOf(mark.owner, me)
  if (standing === 'alive' || (standing === 'unknown' && !isOld(path, nowMs))) return
  rmSync(path, { recursive: true, force: true })
}

/** Taken over as anybody would, and given back. */
function sweepClaim(path: string, me: ProcessOwner, nowMs: number): void {
  const ours = newMark(me)
  const held = tryClaim(path, ours, text => {
    const mark = readMark(text)
    if (mark === null) return false
    return standingOf(mark.owner, me) === 'dead' || (mark.time !== null && isLeaseOver(mark.time, nowMs))
  })
  if (held === null) giveBack(path, ours)
}

function isOld(path: string, nowMs: number): boolean {
  const writtenAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs
  return nowMs - writtenAtMs > strangerSeconds * 1000
}
