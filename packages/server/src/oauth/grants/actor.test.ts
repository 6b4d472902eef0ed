import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Act, actOf, actorsMax, mayAct } from './actor.ts'

const shop = { sub: 'shop', client_id: 'shop', iss: 'https://id.example' }
const bank = { sub: 'bank', client_id: 'bank', iss: 'https://id.example' }

describe('the chain of actors', () => {
  it('names the newest first', () => {
    assert.deepEqual(actOf(shop, null), shop)
    assert.deepEqual(actOf(bank, shop), { ...bank, act: shop })
  })

  it('is as long as it may be and no longer', () => {
    let chain: Act | null = null
    for (let actors = 0; actors < actorsMax; actors++) {
      const next: Act | 'too_long' = actOf(shop, chain)
      assert.ok(next !== 'too_long')
      chain = next
    }
    assert.equal(actOf(shop, chain), 'too_long')
  })
})

describe('may_act', () => {
  it('lets nobody in by being there with nothing in it, or with anything that is no claim set', () => {
    for (const claim of [{}, [], null, 'shop', 7, true])
      assert.equal(mayAct(claim, shop), 'refused', JSON.stringify(claim))
  })

  it('says nothing where it is not there', () => {
    assert.equal(mayAct(undefined, shop), 'unsaid')
  })

  it('lets in whom it names, by every member it has', () => {
    assert.equal(mayAct({ sub: 'shop' }, shop), 'allowed')
    assert.equal(mayAct({ client_id: 'shop', iss: 'https://id.example' }, shop), 'allowed')
    assert.equal(mayAct({ sub: 'shop' }, bank), 'refused')
    assert.equal(mayAct({ sub: 'shop', iss: 'https://other.example' }, shop), 'refused')
    assert.equal(mayAct({ sub: 'shop', department: 'sales' }, shop), 'refused')
    assert.equal(mayAct({ sub: ['shop'] }, shop), 'refused')
    assert.equal(mayAct({ constructor: 'shop' }, shop), 'refused')
  })
})
