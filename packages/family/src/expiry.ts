/** When a family runs out. Absolute expiry never moves; idle expiry moves only by a successful refresh (I8). */

import type { EndReason, Family } from './family.ts'

/** The first instant at which the family is no longer valid, in milliseconds. */
export function expiresAtMs(family: Family): number {
  if (family.generation === 0) return Math.min(redeemableUntilMs(family), family.absoluteExpiresAtMs)
  return Math.min(idleUntilMs(family), family.absoluteExpiresAtMs)
}

/** The reason the family has run out, or null while it lives. */
export function expiryOf(family: Family, nowMs: number): EndReason | null {
  if (nowMs < expiresAtMs(family)) return null
  if (nowMs >= family.absoluteExpiresAtMs) return 'absolute_expired'
  return family.generation === 0 ? 'code_expired' : 'idle_expired'
}

/** Whole seconds until an unused refresh token runs out: `refresh_token_timeout`. Never below 0. */
export function idleLeftSeconds(family: Family, nowMs: number): number {
  return secondsBetween(nowMs, expiresAtMs(family))
}

/** Whole seconds until the user must sign in again whatever is refreshed: `authorization_expires_in`. Never below 0. */
export function absoluteLeftSeconds(family: Family, nowMs: number): number {
  return secondsBetween(nowMs, family.absoluteExpiresAtMs)
}

function redeemableUntilMs(family: Family): number {
  return family.createdAtMs + family.redeemSeconds * 1000
}

function idleUntilMs(family: Family): number {
  return family.usedAtMs + family.idleSeconds * 1000
}

function secondsBetween(fromMs: number, untilMs: number): number {
  return Math.max(0, Math.floor((untilMs - fromMs) / 1000))
}
