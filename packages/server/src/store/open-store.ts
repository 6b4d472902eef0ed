/** The store an operator chose. An engine's driver is loaded only where it is used: a server on SQLite never reads `pg`. */

import type { Entropy } from '../domain/entropy.ts'
import type { Store } from '../domain/store.ts'
import type { Clock } from '../domain/time.ts'
import { openSqliteStore, type Turn } from './sqlite/sqlite-store.ts'

export type Place =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres'
      readonly url: string
      readonly connections: number
      readonly syncStandbysMin: number
      readonly allowLosingRotations: boolean
    }

export interface StoreParts {
  /** The time of an embedded store. A database that others share has a clock of its own. */
  readonly clock: Clock
  /** For tests alone: the time such a database would otherwise tell. */
  readonly databaseClock?: Clock
  readonly entropy: Entropy
  /** Where several threads of this process open the store. */
  readonly turn?: Turn | undefined
  /** Takes sentences for the operator about what is weaker than it should be. */
  readonly report: (warning: string) => void
}

/**
 * Rejects with `StoreUnavailable` where the database cannot be reached, and with `StoreRefused` where it can be and would
 * not keep what is answered.
 */
export async function openStore(place: Place, parts: StoreParts): Promise<Store> {
  const { clock, databaseClock, entropy, turn, report } = parts
  if (place.kind === 'sqlite') return openSqliteStore({ path: place.path, clock, entropy, turn })
  const { openPostgresStore } = await import('./postgres/postgres-store.ts')
  const told = databaseClock === undefined ? {} : { clock: databaseClock }
  return openPostgresStore({ ...place, ...told, entropy, report })
}
