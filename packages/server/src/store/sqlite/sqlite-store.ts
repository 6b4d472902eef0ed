/**
 * The embedded store: one SQLite file, several processes if need be. Reads and writes go in groups (`reader.ts`,
 * `writer.ts`), and both wait for other processes without holding up this one.
 */

import type { Entropy } from '../../domain/entropy.ts'
import { type Store, StoreUnavailable } from '../../domain/store.ts'
import type { Clock } from '../../domain/time.ts'
import { type IdleStamp, type StartTimer, stampWhileIdle } from '../sql/idle-stamp.ts'
import { always, numberAt, type Sql } from '../sql/sql.ts'
import { sqlStore } from '../sql/store.ts'
import { openStoreClock, type StoreClock } from '../sql/store-clock.ts'
import { type Connection, connect } from './connection.ts'
import { migrate } from './migrations.ts'
import { busyMsMax, type Patiently, patience } from './patience.ts'
import { createReader, type Reader } from './reader.ts'
import { createWriter, type Writer } from './writer.ts'
import { threadsOf, writeTurn } from './write-turn.ts'

export interface SqliteOptions {
  /** A file, made with its directory where it is not there yet; `:memory:` for a store that dies with its process. */
  readonly path: string
  readonly clock: Clock
  readonly entropy: Entropy
  /** Where several threads of this process open the file: their memory, and which of them this is. */
  readonly turn?: Turn | undefined
  /** What the stamps of an idle store wait for; by default the machine's timers. */
  readonly startTimer?: StartTimer
}

export interface Turn {
  readonly memory: SharedArrayBuffer
  readonly thread: number
}

/** Rejects with `StoreUnavailable` where the file cannot be opened, and with a sentence where it must not be used. */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const patiently = patience(options.entropy)
  const threads = options.turn === undefined ? 1 : threadsOf(options.turn.memory)
  const connection = await patiently(() => connect(options.path, threads))
  try {
    await patiently(() => migrate(connection.database))
    const clock = await patiently(() => openStoreClock(options.clock, storedHighMs(connection)))
    return sqliteStore(connection, clock, patiently, options)
  } catch (error) {
    connection.database.close()
    throw error
  }
}

function sqliteStore(
  connection: Connection,
  clock: StoreClock,
  patiently: Patiently,
  { entropy, turn, startTimer }: SqliteOptions,
): Store {
  const turns = turn && writeTurn(turn.memory, turn.thread, busyMsMax)
  const writer = createWriter({ connection, stamp: clock, patiently, entropy, turn: turns })
  const idleStamp = stampWhileIdle(() => writer.write(always([])), startTimer)
  const reader = createReader(connection, patiently)
  const sql = sqliteSql(reader, writer, idleStamp)
  return sqlStore({
    sql,
    clock,
    check: () => writer.alone(() => proveWritable(connection)),
    close: async () => {
      idleStamp.stop()
      await writer.finish()
      await reader.finish()
      if (connection.database.isOpen) connection.database.close()
    },
  })
}

function sqliteSql(reader: Reader, writer: Writer, idleStamp: IdleStamp): Sql {
  return {
    read: statement => reader.read(statement),
    write: unit => {
      idleStamp.wrote()
      return writer.write(unit)
    },
    writeReturning: statement => {
      idleStamp.wrote()
      return writer.writeReturning(statement)
    },
  }
}

function storedHighMs(connection: Connection): number {
  const row = connection.all({ text: 'SELECT high_ms FROM store_clock WHERE id = 1', params: [] })[0]
  if (row === undefined) throw new StoreUnavailable('the row of store_clock is missing')
  return numberAt(row, 0)
}

/** Takes the write lock and lets go of it again. */
function proveWritable(connection: Connection): void {
  connection.run({ text: 'BEGIN IMMEDIATE', params: [] })
  connection.run({ text: 'ROLLBACK', params: [] })
}
