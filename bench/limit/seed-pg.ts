/** Writes and reads the database of the bare limit on PostgreSQL. */

import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { makeToken, type Secrets } from './rotation.ts'
import { limitIds, type SeededLimit } from './seed.ts'

const rowsTogether = 10_000

/** Writes living families, each in generation 1, `idle` more than it answers tokens of. */
export async function seedLimitPg(url: string, families: number, idle: number): Promise<SeededLimit> {
  const pool = new Pool({ connectionString: url, max: 1 })
  await pool.query('CREATE TABLE secrets (name text PRIMARY KEY, bytes bytea NOT NULL)')
  await pool.query(
    `CREATE TABLE families (id bytea PRIMARY KEY, generation int NOT NULL, rotated_at_ms bigint NOT NULL)
     WITH (fillfactor = 80)`,
  )
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await pool.query('INSERT INTO secrets VALUES ($1, $2), ($3, $4)', [
    'tag',
    randomBytes(32),
    'signing',
    privateKey.export({ format: 'der', type: 'pkcs8' }),
  ])
  const { tagKey } = await readSecretsPg(pool)
  const tokens: string[] = []
  let rows: Buffer[] = []
  const insert = async (): Promise<void> => {
    await pool.query('INSERT INTO families SELECT id, 1, $2 FROM unnest($1::bytea[]) AS n (id)', [rows, Date.now()])
    rows = []
  }
  for (const { id, isPresented } of limitIds(families, idle)) {
    rows.push(id)
    if (isPresented) tokens.push(makeToken(tagKey, id, 1))
    if (rows.length === rowsTogether) await insert()
  }
  await insert()
  await pool.query('VACUUM (ANALYZE) families')
  await pool.end()
  return { tokens, verifyingKey: publicKey.export({ format: 'jwk' }) }
}

export async function readSecretsPg(pool: Pool): Promise<Secrets> {
  const { rows } = await pool.query<{ name: string; bytes: Buffer }>('SELECT name, bytes FROM secrets')
  const read = (name: string): Buffer => {
    const row = rows.find(one => one.name === name)
    if (row === undefined) throw new Error(`the database of the limit has no secret ${name}`)
    return row.bytes
  }
  return {
    tagKey: createSecretKey(read('tag')),
    signingKey: createPrivateKey({ key: read('signing'), format: 'der', type: 'pkcs8' }),
  }
}
