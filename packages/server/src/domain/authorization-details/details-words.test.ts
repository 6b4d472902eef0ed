import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DetailsType } from './details-type.ts'
import { type DetailInWords, inWords, placesIn, requiredAt } from './details-words.ts'

const payment: DetailsType = {
  type: 'payment',
  sentence: 'Pay {amount.value} {amount.currency} to {creditor}',
  resources: [],
  schema: {
    type: 'object',
    required: ['amount', 'creditor'],
    properties: {
      creditor: { type: 'string' },
      reference: { type: 'string', title: 'Your reference' },
      tags: { type: 'array', title: 'Marked', items: { type: 'string' } },
      parts: {
        type: 'array',
        title: 'Part',
        items: { type: 'object', properties: { of: { type: 'string', title: 'of' }, cents: { type: 'integer' } } },
      },
      amount: {
        type: 'object',
        required: ['value', 'currency'],
        properties: { value: { type: 'string' }, currency: { type: 'string' }, rounded: { type: 'boolean' } },
      },
    },
  },
  createdAtMs: 0,
}

describe('a detail in words', () => {
  it('is the sentence of its type, in which what was sent can be told from what we say', () => {
    const words = inWords({ type: 'payment', amount: { value: '1', currency: 'EUR' }, creditor: 'Ada' }, payment)
    assert.deepEqual(sentenceOf(words), 'Pay [1] [EUR] to [Ada]')
    assert.deepEqual(words.facts, [])
  })

  it('has below it every value that the sentence does not say, under its title', () => {
    const words = inWords(
      {
        type: 'payment',
        amount: { value: '1', currency: 'EUR', rounded: false },
        creditor: 'Ada',
        reference: '4711',
        tags: ['a', 'b'],
        parts: [{ of: 'x', cents: 50 }, { of: 'y' }],
      },
      payment,
    )
    assert.deepEqual(words.facts, [
      { label: 'amount, rounded', value: 'false' },
      { label: 'Your reference', value: '4711' },
      { label: 'Marked', value: 'a, b' },
      { label: 'Part 1, of', value: 'x' },
      { label: 'Part 1, cents', value: '50' },
      { label: 'Part 2, of', value: 'y' },
    ])
  })

  it('leaves nothing out where its type is known no more', () => {
    const words = inWords({ type: 'payment', amount: { value: '1' }, list: [[1, 2], 'x'], none: [] }, null)
    assert.equal(sentenceOf(words), 'Use the permission [payment]')
    assert.deepEqual(words.facts, [
      { label: 'amount, value', value: '1' },
      { label: 'list 1', value: '1, 2' },
      { label: 'list 2', value: 'x' },
      { label: 'none', value: '' },
    ])
  })

  it('takes a brace that was sent for no place of its own', () => {
    const words = inWords(
      { type: 'payment', amount: { value: '{creditor}', currency: 'EUR' }, creditor: 'Ada' },
      payment,
    )
    assert.equal(sentenceOf(words), 'Pay [{creditor}] [EUR] to [Ada]')
  })

  it('names places by path, and finds those that are always there', () => {
    assert.deepEqual(placesIn(payment.sentence), ['amount.value', 'amount.currency', 'creditor'])
    assert.deepEqual(placesIn('no place'), [])
    assert.equal(requiredAt(payment.schema, 'amount.value')?.type, 'string')
    for (const path of ['reference', 'amount.rounded', 'nothing', 'amount.nothing', 'creditor.x', '', 'toString']) {
      assert.equal(requiredAt(payment.schema, path), null, path)
    }
  })
})

function sentenceOf({ sentence }: DetailInWords): string {
  return sentence.map(({ text, isSent }) => (isSent ? `[${text}]` : text)).join('')
}
