/** The register of resources: one row for each indicator, changed and removed only by whoever read it last. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { type Resource, resourcesOfAudienceMax } from '../../domain/resource/resource.ts'
import { eventOf, type Kind, sceneOf, startMs } from './fixture.test.ts'

export function proveResources(kind: Kind): void {
  describe('a resource', () => {
    it('comes back as it was added, and its indicator is taken', async test => {
      const { store, entropy } = await sceneOf(kind, test)
      const { resources, events } = store
      assert.equal(await resources.read(orders.indicator), null)
      assert.equal(await resources.add(orders, [eventOf('resource_added', entropy)]), 'done')
      assert.equal(await resources.add(orders, [eventOf('resource_added', entropy)]), 'moved')
      assert.deepEqual((await resources.read(orders.indicator))?.resource, orders)
      assert.equal(await resources.read(`${orders.indicator}/`), null)
      assert.equal((await events.latest(10)).length, 1)
    })

    it('changes for whoever read it last, and for nobody else', async test => {
      const { store, entropy } = await sceneOf(kind, test)
      const { resources, events } = store
      await resources.add(orders, [])
      const version = (await resources.read(orders.indicator))?.version ?? -1
      const changed: Resource = { ...orders, audience: 'orders', accessTokenFormat: 'opaque' }
      assert.equal(await resources.change(changed, version, [eventOf('resource_changed', entropy)]), 'done')
      assert.equal(await resources.change(orders, version, [eventOf('resource_changed', entropy)]), 'moved')
      assert.deepEqual(await resources.read(orders.indicator), { resource: changed, version: version + 1 })
      assert.deepEqual(await resources.ofAudience(orders.audience), [])
      assert.deepEqual(await resources.ofAudience('orders'), [changed])
      assert.equal((await events.latest(10)).length, 1)
    })

    it('is gone once removed, and what is added in its place is another', async test => {
      const { store, entropy, clock } = await sceneOf(kind, test)
      const { resources, events } = store
      await resources.add(orders, [])
      const version = (await resources.read(orders.indicator))?.version ?? -1
      assert.equal(
        await resources.remove(orders.indicator, version - 1, [eventOf('resource_removed', entropy)]),
        'moved',
      )
      assert.equal(await resources.remove(orders.indicator, version, [eventOf('resource_removed', entropy)]), 'done')
      assert.equal(await resources.read(orders.indicator), null)
      assert.equal((await events.latest(10)).length, 1)
      clock.advance(1)
      await resources.add(orders, [])
      assert.equal(await resources.change(orders, version, []), 'moved')
    })

    it('is found by its audience with all others of it, in order and no more than a few', async test => {
      const { store } = await sceneOf(kind, test)
      const numbers = Array.from({ length: resourcesOfAudienceMax + 1 }, (_, at) => String(at).padStart(2, '0'))
      const shared = numbers.map(number => ({ ...orders, indicator: `https://${number}.example`, audience: 'all' }))
      for (const resource of shared.toReversed()) await store.resources.add(resource, [])
      assert.deepEqual(await store.resources.ofAudience('all'), shared.slice(0, resourcesOfAudienceMax))
      assert.deepEqual(await store.resources.list(2), shared.slice(0, 2))
    })
  })
}

const orders: Resource = {
  indicator: 'https://orders.example/v1',
  audience: 'https://orders.example/v1',
  scopes: ['orders:read', 'orders:write'],
  accessTokenFormat: null,
  accessTokenSeconds: 120,
  signingAlgorithm: 'ES256',
  introspectors: ['orders-api' as ClientId],
  createdAtMs: startMs,
}
