import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detailsTypesMax } from '../domain/authorization-details/details-type.ts'
import {
  detailsTypeJson,
  listDetailsTypes,
  putDetailsType,
  removeDetailsType,
  schemaDepthMax,
  schemaMembersMax,
  showDetailsType,
} from './details-types.ts'
import { bench, startsAtMs } from './fixture.test.ts'
import { AdminRefused, InputRefused } from './workbench.ts'

const payment = {
  type: 'payment',
  sentence: 'Pay {amount.value} to {creditor}',
  resources: ['https://bank.example/'],
  schema: {
    type: 'object',
    required: ['amount', 'creditor'],
    properties: {
      creditor: { type: 'string', maxLength: 70 },
      note: { type: 'string' },
      amount: { type: 'object', required: ['value'], properties: { value: { type: 'string' } } },
    },
  },
}

describe('a type of authorization details', () => {
  it('is put there, shown, replaced and removed, each with an event', async () => {
    const { workbench, advanceSeconds } = await bench()
    const added = await putDetailsType(workbench, payment)
    assert.deepEqual(added, { ...payment, createdAtMs: startsAtMs })
    advanceSeconds(60)
    const changed = await putDetailsType(workbench, { ...payment, sentence: 'Pay {creditor}' })
    assert.deepEqual([changed.sentence, changed.createdAtMs], ['Pay {creditor}', startsAtMs])
    assert.deepEqual(await showDetailsType(workbench, 'payment'), changed)
    assert.equal(detailsTypeJson(changed)['created_at'], new Date(startsAtMs).toISOString())
    await removeDetailsType(workbench, 'payment')
    assert.deepEqual(await listDetailsTypes(workbench), [])
    await assert.rejects(showDetailsType(workbench, 'payment'), AdminRefused)
    await assert.rejects(removeDetailsType(workbench, 'payment'), AdminRefused)
    const kinds = (await workbench.store.events.latest(10)).map(({ kind }) => kind)
    assert.deepEqual(kinds.toSorted(), ['details_type_added', 'details_type_changed', 'details_type_removed'])
  })

  it('needs no resources', async () => {
    const { workbench } = await bench()
    const { resources: _, ...anywhere } = payment
    assert.deepEqual((await putDetailsType(workbench, anywhere)).resources, [])
  })

  it('is refused with a sentence for what nobody could check or say', async () => {
    const { workbench } = await bench()
    const { schema } = payment
    const wrong: readonly unknown[] = [
      null,
      { ...payment, more: 1 },
      { ...payment, type: '' },
      { ...payment, type: 'two words' },
      { ...payment, sentence: '' },
      { ...payment, sentence: 'Pay {nobody}' },
      { ...payment, sentence: 'Pay {note}' },
      { ...payment, sentence: 'Pay {amount}' },
      { ...payment, sentence: 'Pay {}' },
      { ...payment, resources: ['bank'] },
      { ...payment, schema: { type: 'string' } },
      { ...payment, schema: { ...schema, additionalProperties: true } },
      { ...payment, schema: { ...schema, required: ['amount', 'creditor', 'date'] } },
      { ...payment, schema: { ...schema, properties: { ...schema.properties, type: { type: 'string' } } } },
      withMember({ type: 'string', pattern: '^a+$' }),
      withMember({ type: 'string', format: 'date' }),
      withMember({ type: 'null' }),
      withMember({ type: ['string', 'null'] }),
      withMember({ type: 'string', maxLength: -1 }),
      withMember({ type: 'array' }),
      withMember({ type: 'object' }),
      withMember({ type: 'object', properties: { 'a b': { type: 'string' } } }),
      withMember({ type: 'object', properties: {}, required: ['x'] }),
      withMember({ type: 'array', items: { type: 'object', properties: {}, required: ['x'] } }),
      withMember({ $ref: '#' }),
      withMember({ type: 'object', properties: members(schemaMembersMax + 1) }),
      withMember(nested(schemaDepthMax)),
    ]
    for (const each of wrong) {
      await assert.rejects(putDetailsType(workbench, each), InputRefused, JSON.stringify(each))
    }
    assert.deepEqual(await listDetailsTypes(workbench), [])
    await putDetailsType(workbench, withMember({ type: 'object', properties: members(schemaMembersMax) }))
    await putDetailsType(workbench, withMember(nested(schemaDepthMax - 1)))
  })

  it('may be one of so many and no more', async () => {
    const { workbench } = await bench()
    for (let count = 0; count < detailsTypesMax; count++)
      await putDetailsType(workbench, { ...payment, type: `t${count}` })
    await assert.rejects(putDetailsType(workbench, { ...payment, type: 'more' }), AdminRefused)
    await putDetailsType(workbench, { ...payment, type: 't0' })
  })
})

function withMember(member: object): unknown {
  const { schema } = payment
  return { ...payment, schema: { ...schema, properties: { ...schema.properties, x: member } } }
}

function members(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, { type: 'string' }]))
}

/** So many objects in each other, the last one holding a text. */
function nested(depth: number): object {
  return depth === 0 ? { type: 'string' } : { type: 'object', properties: { x: nested(depth - 1) } }
}
