/** Group commit on SQLite for programs that wait for each of their writes. */

import type { DatabaseSync } from 'node:sqlite'

interface Write {
  readonly apply: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Runs the write in the next transaction and resolves once that is durable. */
export type Commit = (apply: () => void) => Promise<void>

/** `together` is group commit; `alone` is a transaction for each write, as storage is usually written. */
export type Committing = 'together' | 'alone'

/** Writes of one turn of the event loop share one transaction; if it fails, each is tried alone so that one fails alone. */
export function groupCommit(database: DatabaseSync): Commit {
  let gathered: Write[] = []
  const flush = (): void => {
    const batch = gathered
    gathered = []
    try {
      inTransaction(database, () => {
        for (const write of batch) write.apply()
      })
    } catch {
      // The batch was rolled back as a whole; the loop below finds the write at fault and rejects that one.
      for (const write of batch) commitAlone(database, write)
      return
    }
    for (const write of batch) write.resolve()
  }
  return apply =>
    new Promise((resolve, reject) => {
      if (gathered.push({ apply, resolve, reject }) === 1) setImmediate(flush)
    })
}

function commitAlone(database: DatabaseSync, write: Write): void {
  try {
    inTransaction(database, write.apply)
    write.resolve()
  } catch (error) {
    write.reject(error)
  }
}

function inTransaction(database: DatabaseSync, apply: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    apply()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
