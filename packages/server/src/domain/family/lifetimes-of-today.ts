import type { Family } from '@pawl/family'
import type { Client } from '../client/client.ts'

/**
 * The family with the lifetimes of its client where those are shorter now than when it was opened: an operator who
 * tightens them means the sessions that are there. Longer ones count for families opened later only (I8). Nothing of
 * this is stored, so a lifetime that is given back is back.
 */
export function withLifetimesOfToday(family: Family, client: Client): Family {
  const idleSeconds = Math.min(family.idleSeconds, client.idleSeconds)
  const absoluteExpiresAtMs = Math.min(family.absoluteExpiresAtMs, family.createdAtMs + client.absoluteSeconds * 1000)
  if (idleSeconds === family.idleSeconds && absoluteExpiresAtMs === family.absoluteExpiresAtMs) return family
  return { ...family, idleSeconds, absoluteExpiresAtMs }
}
