import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  clockErrorSecondsMax,
  type DpopClaims,
  dpopProofCharactersMax,
  isThumbprint,
  judgeDpopClaims,
  proofAgeSecondsMax,
  proofAheadSecondsMax,
  readDpopClaims,
  readDpopHeader,
  serverAheadSecondsMax,
  splitDpopProof,
  thumbprintText,
} from './dpop.ts'

const nowMs = 1_800_000_000_000
const url = 'https://as.example/token'
const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

const claims: DpopClaims = {
  tokenId: 'one',
  method: 'POST',
  url,
  issuedAtMs: nowMs,
  notBeforeMs: null,
  expiresAtMs: null,
  nonce: null,
  accessTokenHash: null,
}

function judge(changes: Partial<DpopClaims>, expected: Partial<Parameters<typeof judgeDpopClaims>[1]> = {}) {
  return judgeDpopClaims(
    { ...claims, ...changes },
    {
      method: 'POST',
      urls: [url],
      nowMs,
      accessTokenHash: null,
      nonceIsRequired: false,
      isLivingNonce: nonce => nonce === 'living',
      aheadSecondsMax: clockErrorSecondsMax,
      ...expected,
    },
  )
}

describe('the text of a proof', () => {
  it('has three parts, and no more than its limit', () => {
    assert.deepEqual(splitDpopProof('a.b.c'), ['a', 'b', 'c'])
    for (const text of ['', 'a.b', 'a.b.c.d', 'a.b.', '.b.c', 'a.b.c,a.b.c', 'a.b.c ', 'a.b.c=', 'a+.b.c']) {
      assert.equal(splitDpopProof(text), null, text)
    }
    const longest = `a.b.${'c'.repeat(dpopProofCharactersMax - 4)}`
    assert.notEqual(splitDpopProof(longest), null)
    assert.equal(splitDpopProof(`${longest}c`), null)
  })
})

describe('the header of a proof', () => {
  it('names an algorithm of ours and holds a key', () => {
    const header = readDpopHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, kid: 'mine' })
    assert.deepEqual(header, { algorithm: 'ES256', jwk })
  })
  it('is refused where it leads elsewhere or asks to be read in another way', () => {
    for (const name of ['crit', 'b64', 'jku', 'x5u', 'x5c']) {
      assert.ok('fault' in readDpopHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, [name]: 'x' }), name)
    }
    for (const value of [null, [], 'text', { typ: 'dpop+jwt', alg: 'ES256', jwk: [] }]) {
      assert.ok('fault' in readDpopHeader(value))
    }
  })
})

describe('the claims of a proof', () => {
  it('are read with their times in milliseconds, fractions too', () => {
    const read = readDpopClaims({ jti: 'one', htm: 'POST', htu: url, iat: 1.5, exp: 2, nbf: 1, nonce: 'n', ath: 'a' })
    assert.deepEqual(read, {
      tokenId: 'one',
      method: 'POST',
      url,
      issuedAtMs: 1500,
      notBeforeMs: 1000,
      expiresAtMs: 2000,
      nonce: 'n',
      accessTokenHash: 'a',
    })
  })
  it('are refused where a time is none or a text has no end', () => {
    const good = { jti: 'one', htm: 'POST', htu: url, iat: 1 }
    const bad = [
      { iat: -1 },
      { iat: 1e12 },
      { iat: '1' },
      { jti: 'x'.repeat(513) },
      { htu: 'x'.repeat(2049) },
      { ath: 1 },
    ]
    for (const change of bad) assert.ok('fault' in readDpopClaims({ ...good, ...change }), JSON.stringify(change))
  })
})

describe('a proof without a nonce', () => {
  it('is good for its time and no longer', () => {
    assert.equal(judge({ issuedAtMs: nowMs - proofAgeSecondsMax * 1000 }), null)
    assert.equal(judge({ issuedAtMs: nowMs + proofAheadSecondsMax * 1000 }), null)
    assert.equal(judge({ issuedAtMs: nowMs - proofAgeSecondsMax * 1000 - 1 })?.wantsNonce, true)
    assert.equal(judge({ issuedAtMs: nowMs + proofAheadSecondsMax * 1000 + 1 })?.wantsNonce, true)
    assert.equal(judge({ issuedAtMs: nowMs - clockErrorSecondsMax * 1000 - 1 })?.wantsNonce, false)
  })
  it('is sent back for one where that is the rule', () => {
    assert.equal(judge({}, { nonceIsRequired: true })?.wantsNonce, true)
  })
})

describe('a proof with a nonce', () => {
  it('is good whatever the clock of its client says, within reason', () => {
    for (const aheadSeconds of [clockErrorSecondsMax, -clockErrorSecondsMax]) {
      assert.equal(judge({ nonce: 'living', issuedAtMs: nowMs + aheadSeconds * 1000 }), null)
    }
    const server = { aheadSecondsMax: serverAheadSecondsMax }
    assert.equal(judge({ nonce: 'living', issuedAtMs: nowMs + serverAheadSecondsMax * 1000 }, server), null)
    const ahead = judge({ nonce: 'living', issuedAtMs: nowMs + serverAheadSecondsMax * 1000 + 1 }, server)
    assert.equal(ahead?.wantsNonce, false, 'of a server')
    const tooFar = judge({ nonce: 'living', issuedAtMs: nowMs + clockErrorSecondsMax * 1000 + 1 })
    assert.equal(tooFar?.wantsNonce, false)
  })
  it('is sent back for another where it is not ours, though none was asked for', () => {
    assert.equal(judge({ nonce: 'dead' })?.wantsNonce, true)
  })
})

describe('a proof is for', () => {
  it('one URL, whichever way it is written', () => {
    for (const same of ['HTTPS://AS.example:443/token', `${url}?a=b`, `${url}#c`, 'https://as.example/x/../token']) {
      assert.equal(judge({ url: same }), null, same)
    }
    for (const other of ['http://as.example/token', 'https://as.example/Token', 'https://as.example:444/token', 'x']) {
      assert.notEqual(judge({ url: other }), null, other)
    }
    assert.equal(
      judge({ url: 'https://mtls.as.example/token' }, { urls: [url, 'https://mtls.as.example/token'] }),
      null,
    )
  })
  it('one access token where one comes along', () => {
    assert.equal(judge({ accessTokenHash: 'a' }, { accessTokenHash: 'a' }), null)
    assert.notEqual(judge({ accessTokenHash: null }, { accessTokenHash: 'a' }), null)
    assert.notEqual(judge({ accessTokenHash: 'b' }, { accessTokenHash: 'a' }), null)
  })
})

describe('a thumbprint', () => {
  it('is of the members RFC 7638 names, in its order', () => {
    assert.equal(thumbprintText({ ...jwk, alg: 'ES256', kid: 'a' }), '{"crv":"P-256","kty":"EC","x":"x","y":"y"}')
    assert.equal(thumbprintText({ kty: 'OKP', x: 'x', crv: 'Ed25519' }), '{"crv":"Ed25519","kty":"OKP","x":"x"}')
    assert.equal(thumbprintText({ kty: 'RSA', n: 'n', e: 'AQAB', use: 'sig' }), '{"e":"AQAB","kty":"RSA","n":"n"}')
  })
  it('has 43 characters', () => {
    assert.ok(isThumbprint('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'))
    for (const text of ['', 'x'.repeat(42), 'x'.repeat(44), `${'x'.repeat(42)}=`])
      assert.equal(isThumbprint(text), false)
  })
})
