import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreRefused } from '../../domain/store.ts'
import { sceneOn } from './fixture.test.ts'
import { migrations } from './migrations.ts'

describe('the schema', () => {
  it('is made once by five nodes that start at once on an empty database', async test => {
    const { open, ask } = await sceneOn(test)
    const stores = await Promise.all(Array.from({ length: 5 }, () => open()))
    for (const store of stores) assert.equal(await store.check(), undefined)
    assert.deepEqual(await ask('SELECT version FROM schema_version'), [[migrations.length]])
    assert.deepEqual(await ask('SELECT holder FROM schema_lease'), [])
  })
  it('is made by the next node once the lease of one that died has run out', async test => {
    const { open, ask } = await sceneOn(test)
    await ask(
      'CREATE TABLE schema_lease (id INTEGER PRIMARY KEY, holder TEXT NOT NULL, expires_at TIMESTAMPTZ NOT NULL)',
    )
    await ask("INSERT INTO schema_lease VALUES (1, 'dead', clock_timestamp() + interval '300 ms')")
    await open()
    const [row] = await ask("SELECT count(*)::int FROM schema_lease WHERE holder = 'dead'")
    assert.deepEqual(row, [0])
    assert.deepEqual(await ask('SELECT version FROM schema_version'), [[migrations.length]])
  })
  it('is left alone where it is there already', async test => {
    const { open, ask } = await sceneOn(test)
    await open()
    await ask('DROP TABLE schema_lease')
    const store = await open()
    assert.equal(await store.check(), undefined)
  })
  it('is refused where a newer program made it', async test => {
    const { open, ask } = await sceneOn(test)
    await open()
    await ask('UPDATE schema_version SET version = $1', [migrations.length + 1])
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof StoreRefused)
      assert.match(error.message, /use the newer program/)
      return true
    })
  })
  it('is refused to a user who may not make it, with what to grant', async test => {
    const { open, ask, url } = await sceneOn(test)
    const name = `guest_${new URL(url).pathname.slice(6)}`
    await ask(`CREATE ROLE ${name} LOGIN PASSWORD 'guest'`)
    const guest = new URL(url)
    guest.username = name
    guest.password = 'guest'
    const refused = await open({ url: guest.href }).catch((error: unknown) => error)
    await ask(`DROP ROLE ${name}`)
    assert.ok(refused instanceof StoreRefused, String(refused))
    assert.match(refused.message, /GRANT CREATE/)
  })
  it('keeps every index away from what moves with a refresh', async test => {
    const { open, ask } = await sceneOn(test)
    await open()
    const indexes = await ask("SELECT indexdef FROM pg_indexes WHERE tablename = 'families'")
    assert.ok(indexes.length >= 5)
    for (const [definition] of indexes) assert.doesNotMatch(String(definition), /step_id|state|binding|ended|end_/)
  })
})
