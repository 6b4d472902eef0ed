/** The revocation feed of real processes: told across processes and threads, and never in the way of a stop. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { disableUser } from '../../packages/server/src/admin/users.ts'
import type { FeedDocument } from '../../packages/server/src/oauth/revocation-feed.ts'
import { feedReader, readFeed } from '../stage/feed-reader.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { appOf, browserOf, openOffice } from './registered.ts'
import { dataDirectory, startServer } from './server-process.ts'

async function started(lifetime: Lifetime, workers: number) {
  const data = await dataDirectory(lifetime)
  const server = await startServer(lifetime, { data, workers })
  const office = await openOffice(lifetime, data)
  await office.addUser()
  const shop = appOf(server, await office.addClient({ id: 'shop', kind: 'web' }))
  const registered = { id: 'api', kind: 'service', redirectUris: [], audiences: ['https://api.example/'] }
  const api = appOf(server, await office.addClient(registered))
  return { server, office, shop, api, browser: browserOf(server) }
}

describe('readers of the revocation feed that wait', () => {
  for (const workers of [1, 2]) {
    it(`are told what another process has ended, by each of ${workers} threads`, async test => {
      const { office, shop, api, browser } = await started(test, workers)
      const tokens = await shop.signIn(browser)
      const reader = feedReader(api)
      await reader.readOn()
      const cursor = reader.cursor()
      const waiting = Array.from({ length: 16 }, () => readFeed(api, { cursor, wait_seconds: '30' }))
      await disableUser(office.workbench, 'ada@example.com')
      for (const response of await Promise.all(waiting)) {
        assert.equal(response.status, 200)
        const { entries, reset } = (await response.json()) as FeedDocument
        // The user and the sessions are cut off, each in its own row: the same may come twice.
        assert.equal(new Set(entries.map(entry => JSON.stringify(entry))).size, 1)
        assert.deepEqual([entries[0]?.kind, reset], ['family', false])
      }
      await reader.readOn()
      assert.equal(reader.isDead(tokens.accessToken), true)
    })
  }

  it('are answered when the server stops, and it does not wait for them', async test => {
    const { server, api } = await started(test, 2)
    const { cursor } = (await (await readFeed(api, { wait_seconds: '0' })).json()) as FeedDocument
    const waiting = Array.from({ length: 8 }, () => readFeed(api, { cursor, wait_seconds: '30' }))
    // One more answer on each way in: those before it have arrived.
    await Promise.all(Array.from({ length: 8 }, () => readFeed(api, { cursor, wait_seconds: '0' })))
    const exit = server.stop()
    for (const response of await Promise.all(waiting)) {
      assert.equal(response.status, 200)
      const page = (await response.json()) as FeedDocument
      assert.deepEqual([page.entries, page.more, page.reset], [[], false, false])
    }
    assert.deepEqual(await exit, { code: 0, signal: null })
  })
})
