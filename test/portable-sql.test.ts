/**
 * The SQL that is written: every text in the sources of the store that begins as SQL does, whether a test ever sends it
 * or not. What is sent while the store contract runs is judged there (`store/contract/statements.test.ts`).
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sqlIn, unportable } from '../tools/portable-sql.ts'
import { repositoryFiles } from '../tools/tidy.ts'

describe('the SQL of the store', () => {
  it('is written in words that a distributed engine takes too', () => {
    const sources = repositoryFiles(join(import.meta.dirname, '..')).filter(({ path }) =>
      /^packages\/server\/src\/store\/(?!contract).*(?<!\.test)\.ts$/.test(path),
    )
    const written = sources.flatMap(({ path, text }) => sqlIn(text).map(statement => ({ path, statement })))
    assert.ok(written.length > 60, `${written.length} texts`)
    const findings = written.flatMap(({ path, statement }) =>
      unportable(statement).map(finding => `${path} ${finding}: ${statement.slice(0, 200)}`),
    )
    assert.deepEqual(findings, [])
  })
  it('makes no table of which the operators are not told how large it can grow', () => {
    const files = repositoryFiles(join(import.meta.dirname, '..'))
    const textOf = (path: string): string => files.find(file => file.path === path)?.text ?? assert.fail(path)
    const schema = ['first-schema', 'migrations'].map(name => textOf(`packages/server/src/store/postgres/${name}.ts`))
    const tables = [...schema.join().matchAll(/CREATE TABLE (\w+)/g)].map(([, table = '']) => table)
    assert.ok(tables.length > 20, `${tables.length} tables`)
    // The first column of the list of tables names them.
    const told = textOf('docs/operating.md').matchAll(/^\|([^|]*)\|/gm)
    const named = new Set([...told].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)))
    assert.deepEqual(
      tables.filter(table => !named.has(table)),
      [],
    )
  })
})

describe('a text that', () => {
  const bad: { readonly [what: string]: readonly string[] } = {
    'uses an advisory lock': ['SELECT pg_advisory_xact_lock(1)', 'select pg_try_advisory_lock($1)'],
    'uses LISTEN or NOTIFY': ['LISTEN cut_offs', "NOTIFY cut_offs, 'x'", "SELECT pg_notify('a', 'b')", 'UNLISTEN *'],
    'uses a sequence': ['CREATE SEQUENCE steps', "SELECT nextval('steps')"],
    'uses a column that counts by itself': [
      'CREATE TABLE a (id BIGSERIAL PRIMARY KEY)',
      'CREATE TABLE a (id serial)',
      'CREATE TABLE a (id INT GENERATED ALWAYS AS IDENTITY)',
      'CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT)',
    ],
    'uses a foreign key': [
      'CREATE TABLE a (b TEXT REFERENCES c (d))',
      'ALTER TABLE a ADD CONSTRAINT e FOREIGN KEY (b) REFERENCES c (d)',
    ],
    'uses a trigger or rule': [
      'CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT 1; END',
      'CREATE RULE a AS ON INSERT TO b',
    ],
    'uses code inside the database': [
      'CREATE FUNCTION a() RETURNS INT',
      'DO $$ BEGIN END $$',
      'CREATE EXTENSION b',
      'CALL a()',
    ],
    'uses a savepoint': ['SAVEPOINT a', 'RELEASE SAVEPOINT a', 'ROLLBACK TO a'],
    'uses a row lock': [
      'SELECT id FROM families WHERE id = $1 FOR UPDATE',
      'SELECT 1 FROM a FOR NO KEY UPDATE',
      'SELECT 1 FROM a\nFOR SHARE',
      'SELECT 1 FROM a FOR UPDATE SKIP LOCKED',
    ],
    'uses a table lock': ['LOCK TABLE families IN EXCLUSIVE MODE', 'LOCK families'],
    'uses a temporary or unlogged table': [
      'CREATE TEMP TABLE a (b INT)',
      'CREATE TEMPORARY TABLE a (b INT)',
      'CREATE UNLOGGED TABLE a (b INT)',
    ],
    'uses a cursor': ['DECLARE a CURSOR FOR SELECT 1'],
    'uses a transaction in two phases': ["PREPARE TRANSACTION 'a'"],
    'uses a system column': ['DELETE FROM events WHERE ctid IN (SELECT ctid FROM events LIMIT 5)'],
    'writes families twice in one statement': [
      'WITH a AS (UPDATE families SET state = $1 RETURNING id) UPDATE families SET state = $2',
      'WITH a AS (DELETE FROM families RETURNING id), b AS (INSERT INTO families (id) VALUES ($1)) SELECT 1',
    ],
    'has an index over what moves with a refresh': [
      'CREATE INDEX a ON families (step_id)',
      'CREATE UNIQUE INDEX CONCURRENTLY a ON families (client_id, id) INCLUDE (state)',
      'CREATE INDEX a ON families (id) WHERE step_id IS NOT NULL',
      'CREATE TABLE families (\n  id TEXT PRIMARY KEY,\n  step_id TEXT NOT NULL UNIQUE\n)',
      'CREATE TABLE families (id TEXT, step_id TEXT, PRIMARY KEY (id, step_id))',
    ],
  }
  for (const [finding, texts] of Object.entries(bad)) {
    it(`${finding} is refused`, () => {
      for (const text of texts) assert.ok(unportable(text).includes(finding), text)
    })
  }

  it('does none of this is taken', () => {
    const good = [
      "INSERT INTO events (id, detail) VALUES ($1, 'a trigger; FOR UPDATE') ON CONFLICT (id) DO UPDATE SET times = 2",
      'WITH a AS (UPDATE families SET state = $1 RETURNING id) INSERT INTO events (id) SELECT id FROM a',
      'UPDATE families SET step_id = $1 WHERE id = $2; UPDATE families SET step_id = $3 WHERE id = $4',
      'CREATE INDEX families_of_client ON families (client_id, id)',
      'CREATE INDEX a ON other_states (state)',
      'CREATE TABLE families (id TEXT PRIMARY KEY, step_id TEXT NOT NULL, state BYTEA NOT NULL)',
      '-- FOR UPDATE would hold a lock\nSELECT 1',
    ]
    for (const text of good) assert.deepEqual(unportable(text), [], text)
  })

  it('begins as SQL does is found in a source', () => {
    const source =
      "const a = `\nCREATE TABLE b (c INT)`\nask('SELECT 1 FOR UPDATE', [])\nthrow new Error('SELECTED nothing')"
    assert.deepEqual(sqlIn(source), ['CREATE TABLE b (c INT)', 'SELECT 1 FOR UPDATE'])
  })
})
