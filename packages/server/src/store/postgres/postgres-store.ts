/**
 * The store for several nodes: a primary of PostgreSQL, with a synchronous standby where one is asked for. Reads and
 * writes have connections of their own, so that no read waits for a COMMIT; what arrives together goes together.
 */

import type { Entropy } from '../../domain/entropy.ts'
import { type Store, StoreUnavailable } from '../../domain/store.ts'
import type { Clock } from '../../domain/time.ts'
import { quietTimer, type StartTimer, stampWhileIdle } from '../sql/idle-stamp.ts'
import { always, numberAt, type Sql } from '../sql/sql.ts'
import { sqlStore } from '../sql/store.ts'
import { openStoreClock, type StoreClock } from '../sql/store-clock.ts'
import { addressesOf } from './addresses.ts'
import type { BatchRules } from './batch.ts'
import { type Connect, type Connecting, connector, type Trusted } from './connect.ts'
import { createCrews, type Rank } from './crews.ts'
import { postgresDialect } from './dialect.ts'
import { lossesOf, parseDurability } from './durability.ts'
import type { LaneParts } from './lanes.ts'
import { migrate } from './migrate.ts'
import { unavailable } from './postgres-error.ts'
import { createReader } from './reader.ts'
import { restingRhythm, stampingAlways, stampingBy } from './stamping.ts'
import { createWriter, type Writer } from './writer.ts'

export interface PostgresOptions {
  /** `postgres://user@host:5432/name`, with several hosts where a failover changes the host. */
  readonly url: string
  readonly entropy: Entropy
  /** For tests: the time that the database would otherwise tell. */
  readonly clock?: Clock
  /** How many connections this process holds, half of them for reads. */
  readonly connections?: number
  /** How many standbys must have what is acknowledged. */
  readonly syncStandbysMin?: number
  /** Takes a server that may lose what it acknowledged, and reports so. */
  readonly allowLosingRotations?: boolean
  readonly report?: (warning: string) => void
  readonly startTimer?: StartTimer
}

export const connectionsDefault = 4
export const connectionsMin = 2

/** A clock that says nothing of its own: the time is what the database answers. */
const noClock: Clock = { nowMs: () => 0 }

/**
 * Rejects with `StoreUnavailable` where no server answers, and with `StoreRefused` where one does and would not keep what
 * it acknowledges, or has a schema newer than this program's.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const connecting: Connecting = {
    addresses: addressesOf(options.url),
    prepare: postgresDialect(options.clock !== undefined),
    needs: { syncStandbysMin: options.syncStandbysMin ?? 0 },
    allowLosingRotations: options.allowLosingRotations ?? false,
    report: options.report ?? (() => undefined),
  }
  const connect = connector(connecting)
  const first = await connect(null)
  try {
    await migrate(first.session, options.entropy)
    const clock = openClock(await storedHighMs(first), options.clock)
    return postgresStore(options, clock, { first, connect, lossOf: durability => lossBehind(durability, connecting) })
  } catch (error) {
    await first.session.end()
    throw error
  }
}

interface Ways {
  readonly first: Trusted
  readonly connect: Connect
  readonly lossOf: BatchRules['lossOf']
}

function postgresStore(options: PostgresOptions, clock: StoreClock, { first, connect, lossOf }: Ways): Store {
  const connections = Math.max(options.connections ?? connectionsDefault, connectionsMin)
  const readers = Math.floor(connections / 2)
  const crews = createCrews()
  const lanes = (count: number, rank: Rank): LaneParts => {
    return { count, connect, entropy: options.entropy, join: member => crews.join(rank, member) }
  }
  const startTimer = options.startTimer ?? quietTimer
  const reader = createReader(lanes(readers, 'second'))
  const stamping = options.clock === undefined ? stampingBy(clock, startTimer) : stampingAlways(clock)
  const writer = createWriter({ ...lanes(connections - readers, 'first'), first }, { stamping, lossOf })
  const idleStamp = stampWhileIdle(() => writer.write(always([])), startTimer, restingRhythm)
  const sql = stampedSql(reader.read, writer, idleStamp.wrote)
  return sqlStore({
    sql,
    clock,
    check: async () => {
      await Promise.all([reader.read(aliveStatement), writer.write(always([proveWritable]))])
    },
    close: async () => {
      idleStamp.stop()
      await writer.finish()
      await reader.finish()
    },
  })
}

function stampedSql(read: Sql['read'], writer: Writer, wrote: () => void): Sql {
  return {
    read,
    write: unit => {
      wrote()
      return writer.write(unit)
    },
    writeReturning: statement => {
      wrote()
      return writer.writeReturning(statement)
    },
  }
}

const aliveStatement = { text: 'SELECT 1', params: [] }
/** Refused wherever a write would be, and leaves nothing. */
const proveWritable = { text: 'DELETE FROM settings WHERE name IS NULL', params: [] }

function openClock(highMs: number, given: Clock | undefined): StoreClock {
  if (given !== undefined) return openStoreClock(given, highMs)
  return openStoreClock(noClock, highMs, 'anybody')
}

async function storedHighMs({ session }: Trusted): Promise<number> {
  const [reply] = await session
    .ask([{ text: 'SELECT high_ms FROM store_clock WHERE id = 1', params: [] }])
    .catch((error: unknown) => {
      throw unavailable(error)
    })
  const row = reply?.rows[0]
  if (row === undefined) throw new StoreUnavailable('the row of store_clock is missing')
  return numberAt(row, 0)
}

/** Where losses are allowed the next connection reports them. */
function lossBehind(durability: string, { needs, allowLosingRotations }: Connecting): string | null {
  const settings = parseDurability(durability)
  if (settings.recovering || settings.readOnly) return 'PostgreSQL takes no more writes'
  const losses = lossesOf(settings, needs)
  return allowLosingRotations || losses.length === 0 ? null : losses.join(' ')
}
