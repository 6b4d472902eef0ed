import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Pool, type PoolConfig } from 'pg'
import { faultProxy } from '../../../../test/network/fault-proxy.ts'
import { postgresFaults } from '../../../../test/network/postgres-faults.ts'
import { databaseOn, sharedCluster } from '../../../../test/postgres/databases.ts'
import { ask } from '../../../../test/postgres/query.ts'
import { type CustodyGround, newRecord, newVersion } from '../testing/custody-scene.ts'
import { provesCustody } from '../testing/proves-custody.ts'
import { createCustodyTables, postgresStore } from './postgres.ts'

describe('the store in PostgreSQL', () => {
  it('is a custody store', test => provesWhole(test, 'public', {}))

  it('is one in a schema of its own, where every statement is serializable', test =>
    provesWhole(test, 'custody_1', { options: '-c default_transaction_isolation=serializable' }))

  it('knows its own write when the answer to it is lost', async test => {
    const { url } = await openPlace(test)
    const proxy = await faultProxy(test, Number(new URL(url).port))
    const faults = postgresFaults(proxy)
    const near = new URL(url)
    near.port = String(proxy.port)
    const store = postgresStore({ pool: openPool(test, { connectionString: near.href }) })
    const [first, second] = [newRecord(), newRecord()]
    await store.save('a', first, null)
    const lost = faults.loseAnswer({ statement: /UPDATE "public"/, by: 'reset' })
    await assert.rejects(store.save('a', second, first.version))
    await lost
    assert.deepEqual(await store.load('a'), second)
    const unheard = faults.loseStatement({ statement: /UPDATE "public"/, by: 'reset' })
    await assert.rejects(store.save('a', newRecord(), second.version))
    await unheard
    assert.deepEqual(await store.load('a'), second)
  })

  it('refuses a server that acknowledges what is not on its disk, until it does not', async test => {
    const { url } = await openPlace(test)
    const pool = openPool(test, { connectionString: url, max: 1 })
    const store = postgresStore({ pool })
    await pool.query('SET synchronous_commit = off')
    await assert.rejects(store.save('a', newRecord(), null), /synchronous_commit is off/)
    await pool.query('SET synchronous_commit = on')
    assert.equal(await store.save('a', newRecord(), null), 'saved')
  })

  it('rejects where there are no tables, and makes them as often as it is asked', async test => {
    const { url } = await openPlace(test, 'elsewhere')
    const pool = openPool(test, { connectionString: url })
    await assert.rejects(postgresStore({ pool }).load('a'), { code: '42P01' })
    await pool.query(createCustodyTables())
    await pool.query(createCustodyTables())
    assert.equal(await postgresStore({ pool }).load('a'), null)
  })

  it('takes no schema that is more than a plain name', async test => {
    const { url } = await openPlace(test)
    const pool = openPool(test, { connectionString: url })
    for (const schema of ['', 'A', 'a b', 'a"; DROP TABLE x; --', 'a.b', '1a', 'x'.repeat(64)]) {
      assert.throws(() => createCustodyTables(schema), RangeError)
      assert.throws(() => postgresStore({ pool, schema }), RangeError)
    }
  })

  it('clears away old leases that nobody gave back', async test => {
    const { url } = await openPlace(test)
    const store = postgresStore({ pool: openPool(test, { connectionString: url }) })
    await store.lease('left', 60)
    await store.lease('lately left', 60)
    await ask(url, `UPDATE pawl_custody_leases SET until = now() - interval '25 hours' WHERE name = 'left'`)
    await (await store.lease('other', 60))?.release()
    assert.deepEqual(await ask(url, 'SELECT name FROM pawl_custody_leases'), [{ name: 'lately left' }])
  })

  it('is rid of records that are over, with what is saved elsewhere', async test => {
    const { url } = await openPlace(test)
    const store = postgresStore({ pool: openPool(test, { connectionString: url }) })
    for (let at = 0; at < 20; at++) await store.save(`over ${at}`, { ...newRecord(), expiresAtMs: 1 + at / 2 }, null)
    await store.save('stays', { ...newRecord(), expiresAtMs: 2 ** 52 }, null)
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.save(`new ${at}`, newRecord(), null)))
    assert.deepEqual(await ask(url, `SELECT name FROM pawl_custody WHERE name NOT LIKE 'new %'`), [{ name: 'stays' }])
  })

  it('compares names and versions byte by byte in a database that does not', async test => {
    const { url } = await openPlace(test)
    const store = postgresStore({ pool: openPool(test, { connectionString: url }) })
    const record = { version: newVersion().toLowerCase(), sealed: 'x' }
    await store.save('é', record, null)
    assert.equal(await store.load('e\u0301'), null)
    assert.equal(await store.save('é', newRecord(), record.version.toUpperCase()), 'moved')
  })
})

async function provesWhole(test: TestContext, schema: string, config: PoolConfig): Promise<void> {
  const { url } = await openPlace(test, schema)
  const ground: CustodyGround = {
    open: async () => {
      const pool = new Pool({ connectionString: url, max: 4, ...config })
      return { store: postgresStore({ pool, schema }), close: () => pool.end() }
    },
  }
  const proofs = provesCustody(ground)
  assert.ok(proofs.length > 0)
  for (const { sentence, run } of proofs) await test.test(sentence, run)
}

/** A database with the tables. */
async function openPlace(test: TestContext, schema = 'public'): Promise<{ readonly url: string }> {
  const { url, drop } = await databaseOn(await sharedCluster())
  test.after(drop)
  await ask(url, `CREATE SCHEMA IF NOT EXISTS ${schema}`)
  await ask(url, createCustodyTables(schema))
  return { url }
}

function openPool(test: TestContext, config: PoolConfig): Pool {
  const pool = new Pool(config)
  // A pool tells of idle connections that break; here they are broken on purpose.
  pool.on('error', () => {})
  test.after(() => pool.end())
  return pool
}
