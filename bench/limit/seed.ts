/** Writes the database that the bare limit serves. */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import { limitFile, openDatabase, readSecrets } from './limit.ts'
import { idBytes, makeToken } from './rotation.ts'

export interface SeededLimit {
  readonly tokens: string[]
  readonly verifyingKey: JWK
}

/** Writes `families` living families, each in generation 1, and answers their refresh tokens. */
export function seedLimit(directory: string, families: number): SeededLimit {
  const database = openDatabase(limitFile(directory))
  database.exec('CREATE TABLE secrets (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)')
  database.exec(
    'CREATE TABLE families (id BLOB PRIMARY KEY, generation INTEGER NOT NULL, rotated_at_ms INTEGER NOT NULL) WITHOUT ROWID',
  )
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
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
  return { tokens, verifyingKey: publicKey.export({ format: 'jwk' }) }
}
