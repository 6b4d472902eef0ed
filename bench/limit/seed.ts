/** Writes the database that the bare limit serves. */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import { limitFile, openDatabase, readSecrets } from './limit.ts'
import { idBytes, makeToken } from './rotation.ts'

export interface SeededLimit {
  readonly tokens: string[]
  readonly verifyingKey: JWK
}

/** Writes living families, each in generation 1, `idle` more than it answers tokens of. */
export function seedLimit(directory: string, families: number, idle: number): SeededLimit {
  const database = openDatabase(limitFile(directory))
  database.exec('PRAGMA synchronous = OFF; CREATE TABLE secrets (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)')
  database.exec(
    'CREATE TABLE families (id BLOB PRIMARY KEY, generation INTEGER NOT NULL, rotated_at_ms INTEGER NOT NULL) WITHOUT ROWID',
  )
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const insertSecret = database.prepare('INSERT INTO secrets VALUES (?, ?)')
  insertSecret.run('tag', randomBytes(32))
  insertSecret.run('signing', privateKey.export({ format: 'der', type: 'pkcs8' }))
  const { tagKey } = readSecrets(database)
  const insert = database.prepare('INSERT INTO families VALUES (?, 1, ?)')
  const ids = limitIds(families, idle)
  const tokens: string[] = []
  database.exec('BEGIN')
  for (const { id, isPresented } of ids) {
    insert.run(id, Date.now())
    if (isPresented) tokens.push(makeToken(tagKey, id, 1))
  }
  database.exec('COMMIT')
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  return { tokens, verifyingKey: publicKey.export({ format: 'jwk' }) }
}

/** Ids in ascending order, which is quick to write; those that will be presented lie evenly among the others. */
export function* limitIds(families: number, idle: number): Generator<{ id: Buffer; isPresented: boolean }> {
  const all = families + idle
  for (let at = 0; at < all; at++) {
    const id = randomBytes(idBytes)
    id.writeUInt32BE(Math.floor((at / all) * 2 ** 32))
    yield { id, isPresented: Math.floor(((at + 1) * families) / all) > Math.floor((at * families) / all) }
  }
}
