/** A server that is away, full, demoted or weaker than it was: 503, nothing changed, and well again by itself. */

import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { faultProxy } from '../../../../../test/network/fault-proxy.ts'
import { type Cluster, startCluster } from '../../../../../test/postgres/cluster.ts'
import { ask } from '../../../../../test/postgres/query.ts'
import { StoreRefused, StoreUnavailable } from '../../domain/store.ts'
import { readFamily, rotated } from '../contract/fixture.test.ts'
import { attemptsMax, nextStep, openedIn, pollMs, sceneOn, soon } from './fixture.test.ts'

/** Asks again until it is refused. */
async function soonUnavailable(attempt: () => Promise<unknown>): Promise<StoreUnavailable> {
  for (let attempts = 1; attempts < attemptsMax; attempts++) {
    const refusal = await attempt().then(
      () => null,
      (error: unknown) => error,
    )
    if (refusal instanceof StoreUnavailable) return refusal
    assert.equal(refusal, null)
    await pause(pollMs)
  }
  throw new Error(`went well ${attemptsMax} times`)
}

let cluster: Cluster
/** One for this file: its settings change. It is gone with the process. */
before(async () => {
  cluster = await startCluster()
})

/** Once a new session shows the change, the server has told it to every session that was there before. */
async function changed(setting: string): Promise<void> {
  const loadedAt = async () => inspect(await ask(cluster.url, 'SELECT pg_conf_load_time()::text'))
  const before = await loadedAt()
  await ask(cluster.url, `ALTER SYSTEM ${setting}`)
  await ask(cluster.url, 'SELECT pg_reload_conf()')
  for (let attempts = 1; (await loadedAt()) === before; attempts++) {
    assert.ok(attempts < attemptsMax, `${setting} was never loaded`)
    await pause(pollMs)
  }
}

async function storeOn(test: TestContext) {
  const scene = await sceneOn(test, cluster.url)
  const store = await scene.open()
  return { ...scene, store, family: await openedIn(store, scene.entropy) }
}

describe('a server that is away', () => {
  it('is said to be so at once, to reads, writes and checks, and answers again once it is back', async test => {
    const { store, entropy, family } = await storeOn(test)
    const step = await nextStep(store, entropy, family)
    await cluster.kill()
    for (const attempt of [() => store.now(), () => store.families.commit(step), () => store.check()]) {
      await assert.rejects(attempt(), StoreUnavailable)
    }
    await cluster.start()
    await soon(() => store.check())
    assert.equal(await store.families.commit(step), 'done')
    assert.deepEqual((await readFamily(store, family)).family, step.family)
  })
  it('is not waited for by a store that is opened, which does not show the password', async test => {
    const { url } = await sceneOn(test, cluster.url)
    const nowhere = new URL(url)
    nowhere.port = '1'
    nowhere.password = 'hunter2'
    const { open } = await sceneOn(test, cluster.url)
    await assert.rejects(open({ url: nowhere.href }), (error: unknown) => {
      assert.ok(error instanceof StoreUnavailable)
      assert.ok(!inspect(error).includes('hunter2'))
      return true
    })
  })
  it('is passed over for the next that is named', async test => {
    const { url, open } = await sceneOn(test, cluster.url)
    const { username, password, host, pathname } = new URL(url)
    const several = `postgres://${username}:${password}@127.0.0.1:1,${host}${pathname}?target_session_attrs=read-write`
    const store = await open({ url: several })
    assert.equal(await store.check(), undefined)
  })
  it('ends our sessions one by one, and no request fails that may be asked again', async test => {
    const { open, entropy, ask: askDatabase } = await sceneOn(test, cluster.url)
    // One connection for reads and one for writes: none is being made when the next round ends them all.
    const store = await open({ connections: 2 })
    const family = await openedIn(store, entropy)
    let current = family
    for (let round = 0; round < 5; round++) {
      await askDatabase("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pawl'")
      current = await rotated({ store, entropy }, current)
    }
    assert.equal((await readFamily(store, family)).family.generation, 5)
  })
})

describe('a server without a place for us', () => {
  it('is said to be away, and taken as soon as it has one', async test => {
    const { store, url, ask: askDatabase, entropy } = await storeOn(test)
    const name = `crowd_${new URL(url).pathname.slice(6)}`
    await askDatabase(`CREATE ROLE ${name} LOGIN PASSWORD 'crowd' CONNECTION LIMIT 1 IN ROLE pg_read_all_data`)
    await askDatabase(`GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name}`)
    const limited = new URL(url)
    limited.username = name
    limited.password = 'crowd'
    const { open } = await sceneOn(test, cluster.url)
    const crowded = await open({ url: limited.href })
    const family = await openedIn(store, entropy)
    // The only place is taken by the connection that writes.
    await assert.rejects(crowded.families.read(family.id), StoreUnavailable)
    await askDatabase(`ALTER ROLE ${name} CONNECTION LIMIT 10`)
    const reading = await soon(() => readFamily(crowded, family))
    assert.deepEqual(reading.family, family)
    await crowded.close()
    await askDatabase(`DROP OWNED BY ${name}`)
    await askDatabase(`DROP ROLE ${name}`)
  })
  it('or without us among its users or databases is refused with what to change', async test => {
    const { url, open } = await sceneOn(test, cluster.url)
    for (const [part, value] of [
      ['password', 'hunter2'],
      ['username', 'nobody'],
      ['pathname', '/nowhere'],
    ] as const) {
      const wrong = new URL(url)
      wrong[part] = value
      await assert.rejects(open({ url: wrong.href }), (error: unknown) => {
        assert.ok(error instanceof StoreRefused, String(error))
        assert.ok(!inspect(error).includes('hunter2'))
        return true
      })
    }
  })
})

describe('a server that would lose what it acknowledges', () => {
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    it(`with ${setting} off is refused, and taken with a warning where that is wanted`, async test => {
      const weak = await startCluster({ settings: { [setting]: 'off' } })
      const { open } = await sceneOn(test, weak.url)
      test.after(() => weak.remove())
      await assert.rejects(open(), (error: unknown) => {
        assert.ok(error instanceof StoreRefused)
        assert.match(error.message, new RegExp(`${setting} = on`))
        return true
      })
      const warnings: string[] = []
      const store = await open({ allowLosingRotations: true, report: warning => void warnings.push(warning) })
      assert.equal(await store.check(), undefined)
      await store.now()
      assert.equal(warnings.length, 1)
    })
  }
  it('from one batch to the next is found out by what is read back behind them', async test => {
    const { store } = await storeOn(test)
    await changed('SET full_page_writes = off')
    const { message } = await soonUnavailable(() => store.check())
    assert.match(message, /full_page_writes/)
    await changed('RESET full_page_writes')
    await soon(() => store.check())
  })
  it('is refused where fewer standbys are waited for than are needed', async test => {
    const { open } = await storeOn(test)
    await assert.rejects(open({ syncStandbysMin: 1 }), (error: unknown) => {
      assert.ok(error instanceof StoreRefused)
      assert.match(error.message, /synchronous_standby_names/)
      return true
    })
  })

  it('is refused where its standbys are struck from the list while it is looked at', async test => {
    test.after(() => changed('RESET synchronous_standby_names'))
    const { url, open } = await storeOn(test)
    await changed("SET synchronous_standby_names = 'nobody'")
    const far = new URL(url)
    const proxy = await faultProxy(test, Number(far.port))
    far.port = String(proxy.port)
    // Between the reading that is judged and the one that later batches are compared with.
    proxy.faultNext(link => ({
      toServer: bytes => {
        const forward = (): void => link.forward('toServer', bytes)
        const isBetween = bytes.includes("set_config('synchronous_commit'")
        if (isBetween) changed("SET synchronous_standby_names = ''").then(forward, link.reset)
        else forward()
      },
    }))
    await assert.rejects(open({ url: far.href, syncStandbysMin: 1 }), StoreRefused)
  })
})

describe('a server that takes no writes any more', () => {
  it('is left, and taken again when it does', async test => {
    const { store, entropy, family } = await storeOn(test)
    const step = await nextStep(store, entropy, family)
    await changed('SET default_transaction_read_only = on')
    await soonUnavailable(() => store.check())
    await assert.rejects(store.families.commit(step), StoreUnavailable)
    await changed('RESET default_transaction_read_only')
    await soon(() => store.check())
    assert.equal(await store.families.commit(step), 'done')
  })
})

describe('a COMMIT that stopped waiting for its standby', () => {
  it('is not acknowledged, though the row is there', async test => {
    // Registered before the database, which could not be dropped while nobody is waited for.
    test.after(() => changed('RESET synchronous_standby_names'))
    const { store, entropy, family, ask: askDatabase } = await storeOn(test)
    const step = await nextStep(store, entropy, family)
    await changed("SET synchronous_standby_names = 'nobody'")
    while ((await stopWaitingFor(askDatabase('UPDATE store_clock SET id = 1'))).waits === 0) await pause(pollMs)
    const { outcome, waits } = await stopWaitingFor(store.families.commit(step))
    assert.ok(outcome instanceof StoreUnavailable, String(outcome))
    assert.ok(waits > 0)
    assert.deepEqual((await readFamily(store, family)).family, step.family)
    await changed('RESET synchronous_standby_names')
    await soon(() => store.check())
  })
})

/** Cancels whatever waits for a standby until the promise has settled; answers how often that was. */
async function stopWaitingFor(promise: Promise<unknown>) {
  const settled = isSettled(promise)
  const cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
  let waits = 0
  while (!settled.is()) {
    waits += (await ask(cluster.url, cancel)).length
    await pause(pollMs)
  }
  return { outcome: await settled.outcome, waits }
}

function isSettled(promise: Promise<unknown>): { readonly is: () => boolean; readonly outcome: Promise<unknown> } {
  let settled = false
  const outcome = promise
    .catch((error: unknown) => error)
    .finally(() => {
      settled = true
    })
  return { is: () => settled, outcome }
}
