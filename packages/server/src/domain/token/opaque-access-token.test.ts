import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { FamilyId } from '@pawl/family'
import { newFamilyId } from '../identifiers.ts'
import { keysNamed, seededEntropy } from '../keys/fixture.test.ts'
import { kindOf, type TokenOrigin, tokenCharacters, tokenCodec } from './codec.ts'
import { accessTokenCharactersMax, opaqueAccessTokens } from './opaque-access-token.ts'

const entropy = seededEntropy('opaque')
const keys = keysNamed(1, 2)
const tokens = opaqueAccessTokens(tokenCodec(keys), keys, entropy)
const family: TokenOrigin = { id: newFamilyId(7, entropy), seed: entropy.bytes(32), keyId: 2, generation: 3 }
const claims = { sub: 'alice', aud: 'https://api.example', exp: 1_800_000_300, scope: 'a b' }

describe('an opaque access token', () => {
  it('says to its own family what was sealed, and names it, and shows nothing of it', () => {
    const text = tokens.seal(family, claims)
    const presented = tokens.parse(text)
    assert.ok(presented !== null)
    assert.equal(presented.familyId, family.id)
    assert.deepEqual(tokens.open(presented, family.seed), claims)
    assert.equal(kindOf(text), 'access_token')
    assert.match(text, /^pawl_at_[A-Za-z0-9_-]+$/)
    const readable = Buffer.from(text.slice(8), 'base64url').toString('latin1')
    assert.ok(!readable.includes('alice') && !readable.includes('api.example'))
    assert.equal(inspect(presented), '[secret]')
  })

  it('is another one each time, for the same family and claims', () => {
    const all = new Set(Array.from({ length: 100 }, () => tokens.seal(family, claims)))
    assert.equal(all.size, 100)
  })

  it('RT-13 is no token of any other kind', () => {
    const codec = tokenCodec(keys)
    const text = tokens.seal(family, claims)
    for (const kind of ['refresh_token', 'authorization_code', 'device_code', 'access_token'] as const) {
      assert.equal(codec.parse(kind, text), null)
      const other = codec.mint(kind, { ...family, generation: kind === 'refresh_token' ? 1 : 0 })
      assert.equal(tokens.parse(other), null)
      if (kind !== 'access_token') assert.equal(tokens.parse(other + text.slice(tokenCharacters)), null)
    }
  })

  it('is refused with any bit changed, wherever it is', () => {
    const text = tokens.seal(family, claims)
    const bytes = Buffer.from(text.slice(8), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const presented = tokens.parse(`pawl_at_${changed.toString('base64url')}`)
      assert.ok(presented === null || tokens.open(presented, family.seed) === null, `bit ${bit}`)
    }
  })

  it('is refused cut short, lengthened, or in another alphabet', () => {
    const text = tokens.seal(family, claims)
    for (let length = 0; length < text.length; length++) {
      const presented = tokens.parse(text.slice(0, length))
      assert.ok(presented === null || tokens.open(presented, family.seed) === null, `${length}`)
    }
    for (const extra of ['=', ' ', '\n', '.', 'AAAA', '+', '\u0000']) {
      const presented = tokens.parse(text + extra)
      assert.ok(presented === null || tokens.open(presented, family.seed) === null)
    }
    assert.equal(tokens.parse(text + 'A'.repeat(accessTokenCharactersMax)), null)
  })

  it('opens for no other family, and no part of one token fits another', () => {
    const stranger = { ...family, id: newFamilyId(8, entropy), seed: entropy.bytes(32) }
    const [own, others] = [tokens.seal(family, claims), tokens.seal(stranger, { ...claims, scope: 'admin' })]
    const presented = tokens.parse(own)
    assert.ok(presented !== null && tokens.open(presented, stranger.seed) === null)
    const mixed = tokens.parse(own.slice(0, tokenCharacters) + others.slice(tokenCharacters))
    assert.ok(mixed !== null)
    assert.equal(tokens.open(mixed, family.seed), null)
    assert.equal(tokens.open(mixed, stranger.seed), null)
    const later = tokens.seal({ ...family, generation: 4 }, { ...claims, scope: 'admin' })
    const spliced = tokens.parse(own.slice(0, tokenCharacters) + later.slice(tokenCharacters))
    assert.ok(spliced !== null && tokens.open(spliced, family.seed) === null)
  })

  it('RT-48 opens as long as its master key is kept, and not under another of that id', () => {
    const text = tokens.seal(family, claims)
    const readWith = (...ids: readonly number[]) => {
      const kept = keysNamed(...ids)
      const reader = opaqueAccessTokens(tokenCodec(kept), kept, entropy)
      const presented = reader.parse(text)
      return presented === null ? null : reader.open(presented, family.seed)
    }
    assert.deepEqual(readWith(3, 2), claims)
    assert.equal(readWith(1), null)
    const [one] = keysNamed(1).all
    assert.ok(one !== undefined)
    const disguised = { current: { ...one, id: 2 }, all: [{ ...one, id: 2 }] }
    assert.equal(opaqueAccessTokens(tokenCodec(disguised), disguised, entropy).parse(text), null)
  })

  it('is not made for what no family is', () => {
    assert.throws(() => tokens.seal({ ...family, keyId: 9 }, claims), RangeError)
    assert.throws(() => tokens.seal({ ...family, id: 'family' as FamilyId }, claims), RangeError)
  })
})
