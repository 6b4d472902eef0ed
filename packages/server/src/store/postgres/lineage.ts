/**
 * Which server counts where two take writes: after a failover the old primary may come back, or may never have been gone,
 * and what it tells is over. Every promotion begins a new timeline (PostgreSQL manual, section 26.3.6), so of two servers
 * with one ancestor the one on the higher timeline was promoted later. What a process has once seen it does not unsee.
 */

import type { Reply } from './session.ts'
import type { Statement } from '../sql/sql.ts'
import { codeOf } from './postgres-error.ts'

export interface Lineage {
  /** What all copies of one database cluster have in common. */
  readonly system: string
  readonly timeline: number
}

/** An engine that is no PostgreSQL refuses this; a standby answers it without a timeline. */
export const lineageStatement: Statement = {
  text: `SELECT (SELECT system_identifier::text FROM pg_control_system()),
CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END`,
  params: [],
}

const insufficientPrivilege = '42501'

/** A sentence where the engine has this and keeps it from this user, so that a primary of old could not be told. */
export function lineageKept(reply: Reply | undefined): string | null {
  if (codeOf(reply?.failure) !== insufficientPrivilege) return null
  return 'PostgreSQL does not let this user ask which server was promoted last, so one that takes writes though another has taken its place is not found out: GRANT EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn(), pg_walfile_name(pg_lsn) TO it.'
}

/** Null where the engine has no such thing. */
export function lineageIn(reply: Reply | undefined): Lineage | null {
  const [system, timeline] = reply?.rows[0] ?? []
  if (typeof system !== 'string' || typeof timeline !== 'string') return null
  return { system, timeline: Number.parseInt(timeline, 16) }
}

/** Databases that were restored or replaced since the process started; more of them are not told apart. */
const systemsMax = 16

export interface LineageMemory {
  /** A sentence where the server is behind one that was seen before; else it is remembered, and null. */
  readonly judge: (lineage: Lineage | null) => string | null
  /** True where the server is behind one that was seen since. */
  readonly isPast: (lineage: Lineage | null) => boolean
}

export function lineageMemory(): LineageMemory {
  const highest = new Map<string, number>()
  const seenOf = (lineage: Lineage | null): number => highest.get(lineage?.system ?? '') ?? 0
  return {
    isPast: lineage => lineage !== null && lineage.timeline < seenOf(lineage),
    judge: lineage => {
      if (lineage === null) return null
      const { system, timeline } = lineage
      const seen = seenOf(lineage)
      if (timeline < seen) {
        return `it is a primary of old: it is on timeline ${timeline}, and a server was promoted to ${seen} since. Stop it, and make it a standby`
      }
      if (highest.size < systemsMax || highest.has(system)) highest.set(system, timeline)
      return null
    },
  }
}
