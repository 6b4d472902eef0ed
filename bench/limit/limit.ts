/**
 * The bare limit on SQLite: the least a machine must do for one durable rotation, and nothing else. What `rotation.ts`
 * does, and one row moved by compare-and-set in a group commit. Whatever a real server adds is what it costs beyond this.
 * `node limit.ts DIRECTORY` serves the database that `seedLimit` wrote there.
 */

import { createPrivateKey, createSecretKey } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { serveInProcesses } from '../processes.ts'
import { limitServer, type Secrets, type Step } from './rotation.ts'

export function limitFile(directory: string): string {
  return join(directory, 'limit.sqlite')
}

export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000',
  )
  return database
}

export function readSecrets(database: DatabaseSync): Secrets {
  const select = database.prepare('SELECT bytes FROM secrets WHERE name = ?')
  const read = (name: string): Buffer => Buffer.from(select.get(name)?.['bytes'] as Uint8Array)
  return {
    tagKey: createSecretKey(read('tag')),
    signingKey: createPrivateKey({ key: read('signing'), format: 'der', type: 'pkcs8' }),
  }
}

/**
 * Steps that arrive in one turn of the event loop share one transaction; each is answered after its commit. While another
 * process writes, the next turn tries again, and meanwhile more steps gather.
 */
function groupCommit(database: DatabaseSync): (step: Step) => void {
  const advance = database.prepare(
    'UPDATE families SET generation = generation + 1, rotated_at_ms = ? WHERE id = ? AND generation = ?',
  )
  let gathered: Step[] = []
  const commit = (): void => {
    if (!beginsNow(database)) return void setTimeout(commit, busyRetryMs)
    const batch = gathered
    gathered = []
    const moved = batch.map(step => advance.run(Date.now(), step.id, step.generation).changes === 1)
    database.exec('COMMIT')
    for (const [at, step] of batch.entries()) step.settle(moved[at] === true)
  }
  return step => {
    if (gathered.push(step) === 1) setImmediate(commit)
  }
}

const busyRetryMs = 0.2
const sqliteBusy = 5

function beginsNow(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false
    throw error
  }
}

if (import.meta.main) {
  await serveInProcesses(() => {
    const database = openDatabase(limitFile(process.argv[2] ?? '.'))
    return { server: limitServer(readSecrets(database), groupCommit(database)), close: () => database.close() }
  })
}
