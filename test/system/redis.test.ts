/** The store of `@pawl/client/redis` on a real Redis, through both clients that Node knows best. */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { redisStore } from '@pawl/client/redis'
import { newRecord } from '../../packages/client/src/testing/custody-scene.ts'
import { provesCustody } from '../../packages/client/src/testing/proves-custody.ts'
import { racesWhole } from '../client/custody-processes.ts'
import { clientKinds, connectRedis, type RedisKind } from '../client/redis-clients.ts'
import { faultProxy } from '../network/fault-proxy.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

const lifetime = openLifetime()
let server: RedisServer

before(async () => {
  server = await startRedis(lifetime)
})
after(() => lifetime.end())

for (const kind of clientKinds) {
  describe(`the store in Redis, through ${kind}`, () => {
    const open = async () => {
      const client = await connectRedis(kind, server.port)
      return { store: redisStore({ redis: client.port, prefix: `{${kind}}:` }), close: client.close }
    }
    for (const { sentence, run } of provesCustody({ open })) {
      it(sentence, async () => {
        assert.equal(await run(), undefined)
      })
    }

    it('knows its own write when the answer to it is lost', test => knowsItsOwnWrite(test, kind))

    it('keeps what it acknowledged when the server is killed', async test => {
      const record = newRecord()
      const own = await startRedis(test)
      const before = await connected(test, kind, own.port)
      assert.equal(await before.store.save('a', record, null), 'saved')
      await own.killAndStart()
      const after = await connected(test, kind, own.port)
      assert.deepEqual(await after.store.load('a'), record)
    })

    it('rejects what nobody says is durable, and it may be there', async test => {
      const { port, ask } = await connected(test, kind, server.port)
      const record = newRecord()
      let asked = 0
      const store = redisStore({
        redis: port,
        prefix: `not-durable-${kind}:`,
        isDurable: async () => {
          asked += 1
          return (await ask('WAIT', '1', '1')) === 1
        },
      })
      await assert.rejects(store.save('a', record, null), /did not say in time/)
      assert.deepEqual(await store.load('a'), record)
      assert.equal(await store.save('a', newRecord(), null), 'moved')
      await assert.rejects(store.remove('a', record.version), /did not say in time/)
      assert.equal(await store.load('a'), null)
      assert.equal(asked, 2)
    })
  })
}

describe('eight processes that share a Redis, some killed', () => {
  it('lose nothing, and wait for a dead one no longer than its lease', async test => {
    await racesWhole(test, { place: { kind: 'redis', port: server.port }, steps: 100, leaseSeconds: 2 })
  })
})

async function connected(test: TestContext, kind: RedisKind, at: number) {
  const { port, ask, close } = await connectRedis(kind, at)
  test.after(close)
  return { port, ask, store: redisStore({ redis: port }) }
}

async function knowsItsOwnWrite(test: TestContext, kind: RedisKind): Promise<void> {
  const proxy = await faultProxy(test, server.port)
  const near = await connected(test, kind, proxy.port)
  const [name, first, second] = [`lost ${kind}`, newRecord(), newRecord()]
  await near.store.save(name, first, null)
  proxy.faultAll(link => ({ toClient: () => link.reset() }))
  await assert.rejects(near.store.save(name, second, first.version))
  proxy.heal()
  const again = await connected(test, kind, proxy.port)
  assert.deepEqual(await again.store.load(name), second)
}
