/** Statements and answers between a real client and a real PostgreSQL are told apart, and hit one at a time. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Client } from 'pg'
import { type Database, databaseOn, sharedCluster } from '../postgres/databases.ts'
import { ask } from '../postgres/query.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { type PostgresFaults, postgresFaults } from './postgres-faults.ts'

const insert = 'INSERT INTO kept VALUES ($1)'

describe('faults between a client and PostgreSQL', () => {
  it('see every statement and change nothing while nothing is asked for', async test => {
    const { client, faults, kept } = await scene(test)
    await client.query('BEGIN')
    for (const n of [1, 2]) await client.query({ name: 'insert', text: insert, values: [n] })
    await client.query('COMMIT')
    assert.deepEqual(await kept(), [1, 2])
    assert.deepEqual(faults.statements(), ['BEGIN', insert, insert, 'COMMIT'])
  })

  it('lose the answer to a COMMIT that was carried out', async test => {
    for (const by of ['cut', 'reset'] as const) {
      const { client, faults, kept } = await scene(test)
      const lost = faults.loseAnswer({ statement: /^COMMIT$/, by })
      await client.query('BEGIN')
      await client.query(insert, [1])
      await assert.rejects(client.query('COMMIT'))
      assert.equal(await lost, 'COMMIT')
      assert.deepEqual(await kept(), [1])
    }
  })

  it('lose a COMMIT, whole or in the middle of it', async test => {
    for (const bytesPassed of [0, 5]) {
      const { client, faults, kept } = await scene(test)
      const lost = faults.loseStatement({ statement: /^COMMIT$/, by: 'reset', bytesPassed })
      await client.query('BEGIN')
      await client.query(insert, [1])
      await assert.rejects(client.query('COMMIT'))
      await lost
      assert.deepEqual(await kept(), [])
    }
  })

  it('hit the one of several pipelined statements that is meant, by the name it was prepared under too', async test => {
    const { client, faults, kept } = await scene(test, true)
    await client.query({ name: 'insert', text: insert, values: [1] })
    const lost = faults.loseAnswer({ statement: /INSERT/, by: 'cut' })
    const answers = await Promise.allSettled([
      client.query('SELECT 1'),
      client.query({ name: 'insert', text: insert, values: [2] }),
      client.query('SELECT 2'),
    ])
    await lost
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    )
    assert.deepEqual(await kept(), [1, 2])
  })

  it('let an answer arrive with a warning', async test => {
    const { client, faults } = await scene(test)
    const notices: string[] = []
    client.on('notice', ({ code }) => notices.push(code ?? ''))
    const warned = faults.warnInAnswer(/SELECT/)
    const { rows } = await client.query('SELECT 1 AS one')
    await warned
    assert.deepEqual([rows, notices], [[{ one: 1 }], ['01000']])
  })

  it('leave the client waiting where nobody is told', async test => {
    const { client, faults, kept, proxy } = await scene(test)
    const lost = faults.loseAnswer({ statement: /INSERT/, by: 'sever' })
    const waiting = client.query(insert, [1]).catch((error: unknown) => error)
    await lost
    assert.deepEqual(await kept(), [1])
    proxy.heal()
    assert.ok((await waiting) instanceof Error)
  })
})

interface Scene {
  readonly client: Client
  readonly proxy: FaultProxy
  readonly faults: PostgresFaults
  /** What is in the table, asked past the proxy. */
  readonly kept: () => Promise<readonly unknown[]>
}

async function scene(test: TestContext, pipeline = false): Promise<Scene> {
  const database = await freshDatabase(test)
  await ask(database.url, 'CREATE TABLE kept (n int)')
  const url = new URL(database.url)
  const proxy = await faultProxy(test, Number(url.port))
  const faults = postgresFaults(proxy)
  url.port = String(proxy.port)
  const client = new Client({ connectionString: url.href, pipeline })
  // A broken connection is what this is about; what comes of it is told by the queries.
  client.on('error', () => {})
  await client.connect()
  test.after(() => client.end())
  const kept = async () => (await ask(database.url, 'SELECT n FROM kept ORDER BY n')).map(({ n }) => n)
  return { client, proxy, faults, kept }
}

async function freshDatabase(test: TestContext): Promise<Database> {
  const database = await databaseOn(await sharedCluster())
  test.after(() => database.drop())
  return database
}
