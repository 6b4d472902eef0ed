/**
 * What the directory of a file store holds, and what is cleared away when one is opened: files and claims that were being
 * made by a process that died, locks and leases that are over. So what killed processes leave is bounded by how many were
 * killed since the last start.
 */

import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { asideEnding, giveBack, tryClaim } from './claim.ts'
import { newMark, readMark } from './claim-mark.ts'
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
