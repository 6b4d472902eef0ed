/** Types of authorization details: one row for each name, changed and removed only by whoever read it last. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DetailsType } from '../../domain/authorization-details/details-type.ts'
import { eventOf, type Kind, sceneOf, startMs } from './fixture.test.ts'

export function proveDetailsTypes(kind: Kind): void {
  describe('a type of authorization details', () => {
    it('is added once, and read as it was written', async test => {
      const { store, entropy } = await sceneOf(kind, test)
      const { detailsTypes, events } = store
      assert.equal(await detailsTypes.read(payment.type), null)
      assert.equal(await detailsTypes.add(payment, [eventOf('details_type_added', entropy)]), 'done')
      assert.equal(await detailsTypes.add(payment, [eventOf('details_type_added', entropy)]), 'moved')
      assert.deepEqual((await detailsTypes.read(payment.type))?.detailsType, payment)
      assert.equal(await detailsTypes.read('Payment'), null)
      assert.equal((await events.latest(10)).length, 1)
    })

    it('is changed by whoever read it last, and by nobody else', async test => {
      const { store } = await sceneOf(kind, test)
      const { detailsTypes } = store
      await detailsTypes.add(payment, [])
      const version = (await detailsTypes.read(payment.type))?.version ?? 0
      const changed = { ...payment, sentence: 'Pay' }
      assert.equal(await detailsTypes.change(changed, version, []), 'done')
      assert.equal(await detailsTypes.change(payment, version, []), 'moved')
      assert.equal(await detailsTypes.remove(payment.type, version, []), 'moved')
      assert.deepEqual((await detailsTypes.read(payment.type))?.detailsType, changed)
    })

    it('is removed, and its name meets no version of before when it is given again', async test => {
      const { store, clock } = await sceneOf(kind, test)
      const { detailsTypes } = store
      await detailsTypes.add(payment, [])
      const version = (await detailsTypes.read(payment.type))?.version ?? 0
      assert.equal(await detailsTypes.remove(payment.type, version, []), 'done')
      assert.equal(await detailsTypes.read(payment.type), null)
      clock.advance(1)
      await detailsTypes.add(payment, [])
      assert.equal(await detailsTypes.change({ ...payment, sentence: 'late' }, version, []), 'moved')
    })

    it('is listed in the order of names, whole or by name alone', async test => {
      const { store } = await sceneOf(kind, test)
      const { detailsTypes } = store
      for (const type of ['b', 'a', 'c']) await detailsTypes.add({ ...payment, type }, [])
      assert.deepEqual(await detailsTypes.names(10), ['a', 'b', 'c'])
      assert.deepEqual(await detailsTypes.names(2), ['a', 'b'])
      assert.deepEqual(
        (await detailsTypes.list(2)).map(({ type }) => type),
        ['a', 'b'],
      )
    })
  })
}

const payment: DetailsType = {
  type: 'payment',
  sentence: 'Pay {amount}',
  resources: ['https://bank.example/'],
  schema: { type: 'object', required: ['amount'], properties: { amount: { type: 'string', title: 'Betrag in €' } } },
  createdAtMs: startMs,
}
