/** What is written into the name of a mark: who made it, when it is over where it is a lease, and a token of its own. */

import type { LeaseTime } from './lease-time.ts'
import { newFileToken } from './lease-token.ts'
import { type ProcessOwner, readOwner, writeOwner } from './process-owner.ts'

export interface Mark {
  readonly owner: ProcessOwner
  /** Null for what is not a lease. */
  readonly time: LeaseTime | null
}

export function newMark(owner: ProcessOwner, time: LeaseTime | null = null): string {
  const times = time === null ? '' : `_${time.takenAtMs}_${time.untilMs}`
  return `${writeOwner(owner)}_${newFileToken()}${times}`
}

/** Null for what we did not write. */
export function readMark(text: string): Mark | null {
  const [ownerText = '', token, takenAt, until, ...rest] = text.split('_')
  const owner = readOwner(ownerText)
  if (owner === null || token === undefined || rest.length > 0) return null
  if (takenAt === undefined) return { owner, time: null }
  const time = { takenAtMs: Number(takenAt), untilMs: Number(until) }
  return Number.isFinite(time.takenAtMs) && Number.isFinite(time.untilMs) ? { owner, time } : null
}
