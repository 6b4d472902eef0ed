import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isCodeVerifier, isS256Challenge } from './pkce.ts'

describe('the shapes of PKCE', () => {
  it('takes a verifier of 43 to 128 unreserved characters', () => {
    assert.equal(isCodeVerifier('a'.repeat(43)), true)
    assert.equal(isCodeVerifier('~'.repeat(128)), true)
    assert.equal(isCodeVerifier(`${'AZaz09-._~'.repeat(5)}`), true)
    assert.equal(isCodeVerifier('a'.repeat(42)), false)
    assert.equal(isCodeVerifier('a'.repeat(129)), false)
    assert.equal(isCodeVerifier(''), false)
  })

  it('refuses a verifier with any other character', () => {
    for (const other of ['+', '/', '=', ' ', '%', '\n', '\0', 'é']) {
      assert.equal(isCodeVerifier('a'.repeat(42) + other), false, JSON.stringify(other))
    }
    assert.equal(isCodeVerifier(`${'a'.repeat(43)}\n`), false)
  })

  it('takes a challenge of exactly 43 base64url characters', () => {
    assert.equal(isS256Challenge('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'), true)
    for (const text of [
      'a'.repeat(42),
      'a'.repeat(44),
      `${'a'.repeat(42)}=`,
      `${'a'.repeat(42)}+`,
      `${'a'.repeat(43)}\n`,
      '',
    ]) {
      assert.equal(isS256Challenge(text), false, JSON.stringify(text))
    }
  })
})
