import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type DetailsSchema, judgeValue, listItemsMax, textCharactersMax } from './details-schema.ts'

describe('a schema of authorization details', () => {
  it('takes what it describes', () => {
    const schema: DetailsSchema = {
      type: 'object',
      required: ['a'],
      properties: {
        a: { type: 'string' },
        b: { type: 'array', items: { type: 'object', properties: { c: { type: 'boolean' } } } },
        d: { type: 'number' },
      },
    }
    for (const value of [{ a: '' }, { a: 'é\n\t', b: [] }, { a: 'x', b: [{}, { c: false }], d: -1.5 }]) {
      assert.equal(judgeValue(schema, value, 'x'), null, JSON.stringify(value))
    }
  })

  it('refuses every value of another type, and says where', () => {
    const types = ['object', 'array', 'string', 'number', 'integer', 'boolean'] as const
    const values = { object: {}, array: [], string: 'x', number: 1.5, integer: 1, boolean: true, null: null }
    for (const type of types) {
      for (const [kind, value] of Object.entries(values)) {
        const isGood = kind === type || (type === 'number' && kind === 'integer')
        assert.equal(judgeValue(bare(type), value, 'place') === null, isGood, `${type} ${kind}`)
      }
      assert.match(judgeValue(bare(type), undefined, 'place') ?? '', /^place /)
    }
  })

  it('refuses a member that nobody described, though every object has one of that name', () => {
    for (const name of ['x', 'toString', 'constructor', '__proto__', 'hasOwnProperty']) {
      const value = JSON.parse(`{${JSON.stringify(name)}: "x"}`) as object
      assert.equal(judgeValue(bare('object'), value, 'place'), 'place has a member that is not known.', name)
    }
  })

  it('wants what is required to be its own', () => {
    const text: DetailsSchema = { type: 'string' }
    const schema: DetailsSchema = { type: 'object', required: ['toString'], properties: { toString: text } }
    assert.equal(judgeValue(schema, {}, 'place'), 'place.toString is missing.')
  })

  it('keeps its limits, on both sides', () => {
    const cases: readonly (readonly [DetailsSchema, readonly unknown[], readonly unknown[]])[] = [
      [{ type: 'string', minLength: 2, maxLength: 3 }, ['ab', 'abc'], ['a', 'abcd']],
      [{ type: 'string' }, ['x'.repeat(textCharactersMax)], ['x'.repeat(textCharactersMax + 1)]],
      [{ type: 'string', enum: ['a', 'b'] }, ['a', 'b'], ['c', 'A', '']],
      [{ type: 'integer', minimum: -1, maximum: 1 }, [-1, 0, 1], [-2, 2]],
      [{ type: 'integer' }, [Number.MAX_SAFE_INTEGER], [Number.MAX_SAFE_INTEGER + 1, 0.5]],
      [{ type: 'number' }, [1e308, -1e308], [Infinity, -Infinity, NaN]],
      [{ type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 }, [[1], [1, 2]], [[], [1, 2, 3]]],
      [{ type: 'array', items: { type: 'integer' } }, [ones(listItemsMax)], [ones(listItemsMax + 1)]],
    ]
    for (const [schema, good, bad] of cases) {
      for (const value of good) assert.equal(judgeValue(schema, value, 'x'), null, JSON.stringify([schema, value]))
      for (const value of bad) assert.notEqual(judgeValue(schema, value, 'x'), null, JSON.stringify([schema, value]))
    }
  })

  it('takes only text that a page can show', () => {
    for (const text of ['\u0000', 'a\rb', '\u001b[31m', '\u007f', '\u0085', '\ud800', 'x\udc00']) {
      assert.equal(judgeValue(bare('string'), text, 'place'), 'place is no plain text.', JSON.stringify(text))
    }
    for (const text of ['two\nlines', 'a\tb', '😀', 'שלום', '漢字'])
      assert.equal(judgeValue(bare('string'), text, 'x'), null)
  })

  it('names the place, however deep', () => {
    const schema: DetailsSchema = {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'object', properties: { b: { type: 'integer' } } } } },
    }
    assert.equal(judgeValue(schema, { a: [{ b: 1 }, { b: 'x' }] }, 'payment'), 'payment.a[1].b is no number.')
  })
})

function bare(type: DetailsSchema['type']): DetailsSchema {
  if (type === 'object') return { type, properties: {} }
  return type === 'array' ? { type, items: { type: 'string' } } : { type }
}

function ones(count: number): readonly number[] {
  return new Array<number>(count).fill(1)
}
