import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../entropy.ts'
import { masterKeys, newMasterKey } from '../keys/master-keys.ts'
import { dpopNonces, nonceWindowSeconds } from './dpop-nonces.ts'

const entropy = systemEntropy()
const [old, young] = [newMasterKey(entropy, 1), newMasterKey(entropy, 2)]
const issuer = 'https://as.example'
const windowMs = nonceWindowSeconds * 1000
const startMs = 30_000_000 * windowMs

describe('a nonce of the server', () => {
  it('lives in its own window and the next, to the millisecond', () => {
    const nonces = dpopNonces(masterKeys([old]), issuer)
    const nonce = nonces.current(startMs)
    assert.match(nonce, /^[\w-]{22}$/)
    assert.equal(nonces.current(startMs + windowMs - 1), nonce)
    assert.notEqual(nonces.current(startMs + windowMs), nonce)
    assert.equal(nonces.isLiving(nonce, startMs + 2 * windowMs - 1), true)
    assert.equal(nonces.isLiving(nonce, startMs + 2 * windowMs), false)
    assert.equal(nonces.isLiving(nonce, startMs - 1), false, 'a node that is behind has not made it yet')
  })
  it('is known to every node with the same keys, also while they change', () => {
    const before = dpopNonces(masterKeys([old]), issuer)
    const after = dpopNonces(masterKeys([young, old]), issuer)
    assert.equal(after.isLiving(before.current(startMs), startMs + windowMs), true)
    assert.notEqual(after.current(startMs), before.current(startMs))
    assert.equal(dpopNonces(masterKeys([young]), issuer).isLiving(before.current(startMs), startMs), false)
  })
  it('is nobody else’s, and no guess', () => {
    const nonces = dpopNonces(masterKeys([old]), issuer)
    const other = dpopNonces(masterKeys([old]), 'https://other.example')
    for (const text of [other.current(startMs), '', 'x', nonces.current(startMs).slice(1)]) {
      assert.equal(nonces.isLiving(text, startMs), false, text)
    }
  })
})
