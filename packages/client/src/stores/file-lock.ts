/**
 * The short moment in which a process looks at a record and replaces it, alone on the machine. It is one synchronous
 * stretch of a few system calls, so whoever has the lock is at work, stopped in the middle of it, or dead. The lock of a
 * dead process is taken over at once, that of a living one never. Where a system or a container hides whether the owner
 * lives, a lock that does not change hands for seconds of waiting is taken over too; the owner looks once more whether
 * the lock is still his right before he writes.
 */

import { giveBack, isClaimedBy, tryClaim } from './claim.ts'
import { readMark } from './claim-mark.ts'
import { attempts, type Pause } from './patience.ts'
import { type ProcessOwner, standingOf } from './process-owner.ts'

/** How long a save waits for the lock, all pauses together, before it fails. */
export const lockWaitMsMax = 10_000
/** So long the lock of an owner of whom nothing is known is respected. Pauses are counted: no sleep of the machine is. */
export const unknownOwnerMsMax = 5000

/** Throws when somebody took the lock over. To be called right before what the lock protects. */
export type CheckLock = () => void

/**
 * Runs `change` alone. Rejects with what it throws, and with an error that names the owner when the lock was not to be
 * had.
 */
export async function underLock<T>(lock: FileLock, change: (check: CheckLock) => T): Promise<T> {
  let seen: Seen = { mark: '', sinceMs: 0 }
  for await (const waitedMs of attempts(lock.pause)) {
    const held = tryLock(lock, seen, waitedMs)
    if (held === null) return runLocked(lock, change)
    if (waitedMs >= lockWaitMsMax) throw new Error(refusalText(lock, held))
    if (held !== seen.mark) seen = { mark: held, sinceMs: waitedMs }
  }
  throw new Error('attempts never end')
}

export interface FileLock {
  readonly path: string
  /** Ours, for this one time. */
  readonly mark: string
  readonly me: ProcessOwner
  /** How it waits; by the timers of the machine unless told. */
  readonly pause?: Pause
}

/** Who had the lock when it was last looked at, and since when, in milliseconds of waiting. */
interface Seen {
  readonly mark: string
  readonly sinceMs: number
}

function tryLock({ path, mark, me }: FileLock, seen: Seen, waitedMs: number): string | null {
  const isUnchanged = (held: string): boolean => held === seen.mark && waitedMs - seen.sinceMs >= unknownOwnerMsMax
  return tryClaim(path, mark, held => {
    const owner = readMark(held)?.owner
    const standing = owner === undefined ? 'unknown' : standingOf(owner, me)
    return standing === 'dead' || (standing === 'unknown' && isUnchanged(held))
  })
}

function runLocked<T>({ path, mark }: FileLock, change: (check: CheckLock) => T): T {
  try {
    return change(() => {
      if (!isClaimedBy(path, mark)) throw new Error(`'${path}' was taken over by another process; nothing was changed`)
    })
  } finally {
    giveBack(path, mark)
  }
}

function refusalText({ path }: FileLock, held: string): string {
  const owner = readMark(held)?.owner
  const who = owner === undefined ? 'another process' : `process ${owner.pid}`
  return `'${path}' has been held by ${who} for ${lockWaitMsMax / 1000} seconds: let it go on, or end it`
}
