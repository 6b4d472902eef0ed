import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { boundFamily, keyedFamily, newFamily, plainFamily } from './fixture.test.ts'
import { isWeak, weakSentence } from './weakness.ts'

describe('a weak family', () => {
  it('is one of a public client, without a binding and not keyed', () => {
    assert.equal(isWeak(plainFamily(1), true), true)
    assert.equal(isWeak(plainFamily(9), true), true)
  })

  it('is no family of a confidential client, no bound one and no keyed one', () => {
    assert.equal(isWeak(plainFamily(1), false), false)
    assert.equal(isWeak(boundFamily(1), true), false)
    assert.equal(isWeak(keyedFamily(1), true), false)
  })

  it('is none that awaits redemption, and none without refresh tokens', () => {
    assert.equal(isWeak(newFamily(), true), false)
    assert.equal(isWeak({ ...plainFamily(1), refreshable: false }, true), false)
  })

  it('is told in a sentence that names the danger', () => {
    assert.match(weakSentence, /thief/)
  })
})
