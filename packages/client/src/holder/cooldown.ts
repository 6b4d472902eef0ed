/** A server that does not answer, or refuses this client, is left alone for a while; the token is kept meanwhile. */

import { RefreshPostponed, RefreshRefused } from './failures.ts'
import type { Held } from './held.ts'
import { type Inside, tellOutcome } from './inside.ts'

/** Refusals that say nothing of the client, only of what was wanted this time: others may go on asking. */
const codesOfOneRequest: ReadonlySet<string> = new Set([
  'invalid_scope',
  'invalid_target',
  'invalid_request',
  'invalid_authorization_details',
])

interface Refusal {
  readonly code: string
  readonly cause: unknown
  readonly requests: number
  /** Of something that nobody else asks for: they go on. */
  readonly isAside?: boolean
}

export function refuse(inside: Inside, held: Held, refusal: Refusal): RefreshRefused {
  const { code, cause, requests, isAside = false } = refusal
  const error = () => new RefreshRefused(held.name, code, { cause })
  if (!isAside && !codesOfOneRequest.has(code)) coolDown(inside, held, 0, error)
  const refused = error()
  tellOutcome(inside, held, 'refused', { requests, error: refused })
  return refused
}

interface Silence {
  readonly retryAfterMs: number | null
  readonly cause: unknown
  readonly requests: number
}

export function postpone(inside: Inside, held: Held, { retryAfterMs, cause, requests }: Silence): RefreshPostponed {
  const error = (leftMs: number) => new RefreshPostponed(held.name, leftMs, { cause })
  const postponed = error(coolDown(inside, held, retryAfterMs ?? 0, error))
  tellOutcome(inside, held, 'postponed', { requests, error: postponed })
  return postponed
}

/** Throws what the last ask came to, while its cooldown lasts. */
export function checkCooldown({ clock }: Inside, { cooldown }: Held): void {
  const leftMs = cooldown === null ? 0 : cooldown.untilMs - clock.nowMs()
  if (cooldown !== null && leftMs > 0) throw cooldown.error(leftMs)
}

const cooldownMsBase = 1000

function coolDown(inside: Inside, held: Held, atLeastMs: number, error: (leftMs: number) => Error): number {
  const { clock, chance, limits } = inside
  const maxMs = limits.cooldownSecondsMax * 1000
  const failures = (held.cooldown?.failures ?? 0) + 1
  // Half of it by chance, so that processes which failed together do not come back together.
  const grownMs = Math.min(maxMs, cooldownMsBase * 2 ** (failures - 1)) * (0.5 + chance() / 2)
  const leftMs = Math.min(maxMs, Math.max(atLeastMs, grownMs))
  held.cooldown = { untilMs: clock.nowMs() + leftMs, failures, error }
  return leftMs
}
