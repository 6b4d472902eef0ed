/**
 * Several nodes may start on one database at once, empty or old. Whoever holds the lease row migrates, the others wait; a
 * holder that died holds it until it has run out by the database's clock. Each migration is one transaction that moves
 * the version from the number it was written for, so that even a holder that overslept its lease changes nothing twice.
 */

import { setTimeout } from 'node:timers/promises'
import type { Entropy } from '../../domain/entropy.ts'
import { StoreRefused, StoreUnavailable } from '../../domain/store.ts'
import type { Statement } from '../sql/sql.ts'
import { jittered } from './lanes.ts'
import { migrations } from './migrations.ts'
import { codeOf, statementRefused, unavailable } from './postgres-error.ts'
import type { Reply, Session } from './session.ts'

/** Longer than a migration may take to be answered (`answerMsMax`). */
export const leaseMs = 30_000
const pauseMs = 100
/** How often a node asks for the lease: at least as long as it would take a dead holder to let go of it. */
const attemptsMax = 1200

const undefinedTable = '42P01'
/** Two make the same table at once: one of them is told so, by whichever index of the catalogue it met first. */
const madeMeanwhile = new Set(['23505', '42P07', '42710', '40001', '40P01', 'XX000'])

const insufficientPrivilege = '42501'
const ownershipSentence =
  'PostgreSQL does not let this user make tables in the database: make the user its owner, or GRANT CREATE ON SCHEMA public TO it.'

/** Brings the database to the newest schema. Throws `StoreRefused` on one newer than this program. */
export async function migrate(session: Session, entropy: Entropy): Promise<void> {
  if ((await versionOf(session)) === migrations.length) return
  const holder = Buffer.from(entropy.bytes(16)).toString('hex')
  await acquire(session, holder, entropy)
  for (;;) {
    const version = await versionOf(session)
    const next = migrations[version]
    if (next === undefined) break
    await apply(session, next, version)
  }
  await ask(session, { text: 'DELETE FROM schema_lease WHERE holder = $1', params: [holder] })
}

async function versionOf(session: Session): Promise<number> {
  const reply = await ask(session, { text: 'SELECT version FROM schema_version WHERE id = 1', params: [] }, [
    undefinedTable,
  ])
  const version = Number(reply.rows[0]?.[0] ?? 0)
  if (version <= migrations.length) return version
  throw new StoreRefused(
    `The database has schema ${version} and this program knows up to ${migrations.length}: use the newer program.`,
  )
}

/** By the database's clock: those of the nodes may be apart. */
const takeText = `INSERT INTO schema_lease (id, holder, expires_at)
VALUES (1, $1, clock_timestamp() + make_interval(secs => $2::double precision / 1000))
ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE schema_lease.expires_at < clock_timestamp()`

const tables = [
  'CREATE TABLE IF NOT EXISTS schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)',
  'INSERT INTO schema_version (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING',
  `CREATE TABLE IF NOT EXISTS schema_lease (id INTEGER PRIMARY KEY CHECK (id = 1), holder TEXT NOT NULL,
expires_at TIMESTAMPTZ NOT NULL)`,
]

async function acquire(session: Session, holder: string, entropy: Entropy): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (await tookLease(session, holder)) return
    await setTimeout(jittered(pauseMs, entropy))
    if ((await versionOf(session)) === migrations.length) return
  }
  throw new StoreUnavailable('another program has held the lease on the schema for too long')
}

async function tookLease(session: Session, holder: string): Promise<boolean> {
  for (const text of tables) {
    const { failure } = await ask(session, { text, params: [] }, madeMeanwhile)
    if (failure !== null) return false
  }
  const reply = await ask(session, { text: takeText, params: [holder, leaseMs] }, madeMeanwhile)
  return reply.failure === null && reply.count === 1
}

/** Where somebody else has applied it meanwhile, the version is no longer the one it starts from, and nothing is done. */
async function apply(session: Session, migration: string, version: number): Promise<void> {
  const moved = `UPDATE schema_version SET version = ${version + 1} WHERE id = 1 AND version = ${version} RETURNING 1`
  const guard = `WITH moved AS (${moved}) SELECT 1 / count(*) FROM moved`
  try {
    await session.run(`BEGIN; ${guard}; ${migration} COMMIT`)
  } catch (error) {
    if (codeOf(error) === null) throw unavailable(error)
    await session.run('ROLLBACK')
    if ((await versionOf(session)) === version) throw statementRefused(error)
  }
}

async function ask(session: Session, statement: Statement, passes: Iterable<string> = []): Promise<Reply> {
  const [reply] = await session.ask([statement]).catch((error: unknown) => {
    throw unavailable(error)
  })
  if (reply === undefined) throw new TypeError('a statement without its reply')
  const code = codeOf(reply.failure) ?? ''
  if (reply.failure === null || new Set(passes).has(code)) return reply
  if (code === insufficientPrivilege) throw new StoreRefused(ownershipSentence)
  throw statementRefused(reply.failure)
}
