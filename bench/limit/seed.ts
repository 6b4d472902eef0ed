/** Writes the database that the bare limit serves. */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { idBytes, limitFile, makeToken, openDatabase, readSecrets } from './limit.ts'

/** Writes `families` living families, each in generation 1, and answers their refresh tokens. */
export function seedLimit(directory: string, families: number): string[] {
  const database = openDatabase(limitFile(directory))
  database.exec('CREATE TABLE secrets (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)')
  database.exec(
    'CREATE TABLE families (id BLOB PRIMARY KEY, generation INTEGER NOT NULL, rotated_at_ms INTEGER NOT NULL) WITHOUT ROWID',
  )
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const insertSecret = database.prepare('INSERT INTO secrets VALUES (?, ?)')
  insertSecret.run('tag', randomBytes(32))
  insertSecret.run('signing', privateKey.export({ format: 'der', type: 'pkcs8' }))
  const { tagKey } = readSecrets(database)
  const insert = database.prepare('INSERT INTO families VALUES (?, 1, ?)')
  database.exec('BEGIN')
  const tokens = Array.from({ length: families }, () => {
    const id = randomBytes(idBytes)
    insert.run(id, Date.now())
    return makeToken(tagKey, id, 1)
  })
  database.exec('COMMIT')
  database.close()
  return tokens
}
