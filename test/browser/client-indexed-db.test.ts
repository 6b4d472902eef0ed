/** Custody in IndexedDB, in a real Chromium: the contract of a store in one tab and among many, and what only tabs can do. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { newRecord } from '../../packages/client/src/testing/custody-scene.ts'
import { provesCustody } from '../../packages/client/src/testing/proves-custody.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { openChromium } from './chromium.ts'
import type { CustodyCalls } from './custody-page.ts'
import { groundOfTabs, openTabs, storeIn, type Tabs } from './custody-tabs.ts'

/** In the tab. */
declare const custody: CustodyCalls

const lifetime = openLifetime()
let chromium: Browser
let tabs: Tabs
let tab: Page

before(async () => {
  chromium = await openChromium(['--host-resolver-rules=MAP *.test 127.0.0.1'])
  lifetime.after(() => chromium.close())
  tabs = await openTabs(lifetime, chromium)
  tab = await tabs.open()
})
after(() => lifetime.end())

describe('a store on IndexedDB within a tab', () => {
  for (const { sentence } of provesCustody({ open: () => Promise.reject(new Error('only sentences')) })) {
    it(sentence, async () => {
      assert.equal(await tab.evaluate(said => custody.prove(said), sentence), undefined)
    })
  }
})

describe('a store on IndexedDB among tabs', () => {
  let ground: ReturnType<typeof groundOfTabs>
  const proofs = provesCustody({
    open: () => ground.open(),
    passSeconds: seconds => ground.passSeconds?.(seconds),
    nowMs: () => ground.nowMs?.() ?? 0,
  })
  before(() => {
    ground = groundOfTabs(tabs, 'among tabs')
  })
  for (const { sentence, run } of proofs) {
    it(sentence, async () => {
      assert.equal(await run(), undefined)
    })
  }

  it('leases at once what a tab had that was closed', async () => {
    const [closed, stays] = [await tabs.open(), await tabs.open()]
    const [{ store }, next] = [await storeIn(closed, 'leases'), await storeIn(stays, 'leases')]
    assert.ok(await store.lease('grant', 60))
    assert.equal(await next.store.lease('grant', 60), null)
    await closed.close()
    assert.ok(await leaseOfGone(next.store))
    await stays.close()
  })

  it('leases at once what a tab had that went elsewhere, or was loaded again', async () => {
    const [leaver, stays] = [await tabs.open(), await tabs.open()]
    const next = await storeIn(stays, 'leases')
    for (const leave of [() => leaver.reload(), () => leaver.goto('about:blank')]) {
      const { store } = await storeIn(leaver, 'leases')
      assert.ok(await store.lease('leaver', 60))
      assert.equal(await next.store.lease('leaver', 60), null)
      await leave()
      const lease = await leaseOfGone(next.store, 'leaver')
      await lease.release()
    }
    await Promise.all([leaver.close(), stays.close()])
  })

  it('forgets records whose time is over, and does not grow with them', async () => {
    const page = await tabs.open()
    const { store } = await storeIn(page, 'expiry')
    const nowMs = await page.evaluate(() => custody.nowMs())
    for (let at = 0; at < 20; at++) {
      await store.save(`short ${at}`, { ...newRecord(), expiresAtMs: nowMs + 50_000 }, null)
    }
    await store.save('lasting', { ...newRecord(), expiresAtMs: nowMs + 3_600_000 }, null)
    assert.equal(await page.evaluate(() => custody.count('expiry')), 21)
    await page.evaluate(() => custody.pass(60))
    assert.equal(await store.load('short 7'), null)
    assert.equal(await store.save('short 7', newRecord(), null), 'saved')
    for (let at = 0; at < 5; at++) await store.save(`fresh ${at}`, newRecord(), null)
    assert.equal(await page.evaluate(() => custody.count('expiry')), 7)
    assert.notEqual(await store.load('lasting'), null)
    await page.close()
  })

  it('tells all other tabs which version is kept, and nothing else', async () => {
    const [one, other] = [await tabs.open(), await tabs.open()]
    const heard: unknown[] = []
    const wake = Promise.withResolvers<void>()
    await other.exposeFunction('told', (...said: readonly unknown[]) => {
      if (heard.push(said) === 2) wake.resolve()
    })
    await other.evaluate(() =>
      custody.watch(custody.open('told'), (globalThis as unknown as { told: () => void }).told),
    )
    const { store } = await storeIn(one, 'told')
    const record = newRecord()
    await store.save('grant', record, null)
    await store.remove('grant', record.version)
    await wake.promise
    assert.deepEqual(heard, [
      ['grant', record.version],
      ['grant', null],
    ])
    await Promise.all([one.close(), other.close()])
  })
})

describe('the custody key of a browser', () => {
  it('is one key where many tabs begin at once, and nobody can read it', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, () => tabs.open()))
    const retryKeys = await Promise.all(many.map(each => each.evaluate(() => custody.retryKey('key', 'credential'))))
    assert.equal(new Set(retryKeys).size, 1)
    assert.match(retryKeys[0] ?? '', /^[\w-]{43}$/)
    assert.equal(await tab.evaluate(() => custody.canKeyBeRead('key')), false)
    await Promise.all(many.map(each => each.close()))
  })

  it('begins anew, with the store, when the site data were cleared while a tab was open', async () => {
    const open = await tabs.open()
    const before = await open.evaluate(() => custody.retryKey('cleared', 'credential'))
    const { store } = await storeIn(open, 'cleared')
    const record = newRecord()
    await store.save('grant', record, null)
    await clear(open)
    assert.equal(await store.load('grant'), null)
    assert.equal(await store.save('grant', record, record.version), 'moved')
    assert.equal(await store.save('grant', newRecord(), null), 'saved')
    assert.notEqual(await open.evaluate(() => custody.retryKey('cleared', 'credential')), before)
    await open.close()
  })
})

describe('a browser that keeps nothing', () => {
  it('says that there is no room', async () => {
    const page = await tabs.open()
    await page.evaluate(() => {
      // As on a full disk: the write is refused.
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('no room', 'QuotaExceededError')
      }
    })
    assert.equal(await page.evaluate(() => custody.failureOf('full', 10)), 'full')
    await page.close()
  })

  it('says that the page is out of date where a newer one has changed the database', async () => {
    const page = await tabs.open()
    await page.evaluate(
      () =>
        new Promise(resolve => {
          indexedDB.open('newer', 2).addEventListener('success', resolve)
        }),
    )
    assert.equal(await page.evaluate(() => custody.failureOf('newer', 10)), 'newer')
    await page.close()
  })

  it('says that the page is not served over https', async () => {
    const page = await tabs.open()
    await page.goto(tabs.origin.replace('localhost', 'app.test'))
    assert.equal(await page.evaluate(() => custody.failureOf('insecure', 10)), 'insecure')
    const making = page.evaluate(() => custody.retryKey('insecure', 'credential'))
    await assert.rejects(making, /serve this page over https/)
    await page.close()
  })

  it('says that the site may not keep data', async () => {
    const page = await tabs.open()
    await page.evaluate(() => {
      // As in a browser that blocks site data: the call itself throws.
      indexedDB.open = () => {
        throw new DOMException('The user denied permission to access the database.', 'SecurityError')
      }
    })
    assert.equal(await page.evaluate(() => custody.failureOf('refused', 10)), 'refused')
    await page.close()
  })
})

/** The browser frees the locks of a page that is gone in its own time: asked until it did, and not for the 60 s of the lease. */
async function leaseOfGone(store: Awaited<ReturnType<typeof storeIn>>['store'], name = 'grant') {
  for (let asks = 0; asks < 1000; asks++) {
    const lease = await store.lease(name, 60)
    if (lease !== null) return lease
  }
  throw new Error('the lease of a page that is gone is kept')
}

async function clear(page: Page): Promise<void> {
  const protocol = await tabs.context.newCDPSession(page)
  await protocol.send('Storage.clearDataForOrigin', { origin: tabs.origin, storageTypes: 'indexeddb' })
}
