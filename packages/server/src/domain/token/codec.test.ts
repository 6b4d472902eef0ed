import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { type FamilyId, generationMax } from '@pawl/family'
import fc from 'fast-check'
import { newFamilyId } from '../identifiers.ts'
import { goldenKeys, goldenSeed, keysNamed, seededEntropy } from '../keys/fixture.test.ts'
import { hmacSha256 } from '../keys/hmac.ts'
import { deriveKey } from '../keys/master-keys.ts'
import { kindOf, type TokenKind, type TokenOrigin, tokenCharacters, tokenCodec } from './codec.ts'

const kinds: readonly TokenKind[] = ['refresh_token', 'authorization_code', 'device_code', 'access_token']
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const origin: TokenOrigin = {
  id: '018f3c2a-7b11-7c44-8d55-1e2f3a4b5c6d' as FamilyId,
  seed: goldenSeed,
  keyId: 7,
  generation: 1,
}
const codec = tokenCodec(goldenKeys)
const token = codec.mint('refresh_token', origin)

function firstGenerationOf(kind: TokenKind): number {
  return kind === 'refresh_token' ? 1 : 0
}

describe('the token format', () => {
  it('has not moved: every golden token, as another implementation computes it', () => {
    const golden: readonly (readonly [TokenKind, number, string])[] = [
      ['refresh_token', 1, 'pawl_rt_AQEHAY88KnsRfESNVR4vOktcbQAAAAEAADjzaSw6MkfKzDOYxul0LvRNTA3M13MHfV8V9tX6NNjr'],
      [
        'refresh_token',
        generationMax,
        'pawl_rt_AQEHAY88KnsRfESNVR4vOktcbf____8AAB8X5WSB7Etocyfc0Km805JM5w1NIOT3fDeTN6AbWhjH',
      ],
      ['authorization_code', 0, 'pawl_ac_AQIHAY88KnsRfESNVR4vOktcbQAAAAAAAAyOHy9KYR0WaGMpCECW_NpQJopEl9KIFWvq5bsBX6gY'],
      ['device_code', 0, 'pawl_dc_AQMHAY88KnsRfESNVR4vOktcbQAAAAAAAE-QdaVgTWsdsXFnjK-6LvvOq6F1H41-jWWMsxWGLmo-'],
      ['access_token', 258, 'pawl_at_AQQHAY88KnsRfESNVR4vOktcbQAAAQIAACfkeqx3xcBJYpfUjcXAiXNcbB2FQbem7G_HwlvNBVTy'],
    ]
    for (const [kind, generation, text] of golden) {
      assert.equal(codec.mint(kind, { ...origin, generation }), text)
      assert.equal(codec.parse(kind, text)?.generation, generation)
    }
  })

  it('is 8 characters of prefix and 76 of base64url', () => {
    assert.equal(tokenCharacters, 84)
    for (const kind of kinds) {
      assert.match(
        codec.mint(kind, { ...origin, generation: firstGenerationOf(kind) }),
        /^pawl_(rt|ac|dc|at)_[A-Za-z0-9_-]{76}$/,
      )
    }
  })
})

describe('mint and parse', () => {
  it('give back what went in, for every kind, family, seed, key and generation', () => {
    const keys = keysNamed(200, 1, 255)
    const many = tokenCodec(keys)
    const generations = fc.integer({ min: 1, max: generationMax })
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.string(),
        fc.constantFrom(1, 200, 255),
        generations,
        (kind, seed, keyId, any) => {
          const entropy = seededEntropy(seed)
          const generation = kind === 'refresh_token' || kind === 'access_token' ? any : 0
          const one = { id: newFamilyId(any, entropy), seed: entropy.bytes(32), keyId, generation }
          const text = many.mint(kind, one)
          const presented = many.parse(kind, text)
          assert.ok(presented !== null)
          assert.deepEqual(
            { kind: presented.kind, id: presented.familyId, keyId: presented.keyId, generation: presented.generation },
            { kind, id: one.id, keyId, generation },
          )
          assert.equal(many.provesSeed(presented, one.seed), true)
          assert.equal(many.provesSeed(presented, entropy.bytes(32)), false)
          assert.equal(many.mint(kind, one), text)
        },
      ),
    )
  })

  it('I1 derive one successor: two codecs with the same keys mint the same text', () => {
    assert.equal(tokenCodec(goldenKeys).mint('refresh_token', origin), token)
  })

  it('keep what was presented when the next token is minted or parsed', () => {
    const presented = codec.parse('refresh_token', token)
    assert.ok(presented !== null)
    const stranger = { ...origin, seed: seededEntropy('stranger').bytes(32), generation: 100 }
    assert.notEqual(codec.parse('refresh_token', codec.mint('refresh_token', stranger)), null)
    assert.equal(presented.generation, 1)
    assert.equal(codec.provesSeed(presented, goldenSeed), true)
  })

  it('refuse to mint under a key that is not there, for no UUID, or for a generation the kind never has', () => {
    const impossible: readonly (readonly [TokenKind, Partial<TokenOrigin>])[] = [
      ['refresh_token', { keyId: 8 }],
      ['refresh_token', { id: 'family' as FamilyId }],
      ['refresh_token', { id: 'zzzzzzzz-7b11-7c44-8d55-1e2f3a4b5c6d' as FamilyId }],
      ['refresh_token', { generation: 0 }],
      ['refresh_token', { generation: generationMax + 1 }],
      ['refresh_token', { generation: -1 }],
      ['refresh_token', { generation: Number.NaN }],
      ['authorization_code', { generation: 1 }],
      ['device_code', { generation: 1 }],
    ]
    for (const [kind, change] of impossible) assert.throws(() => codec.mint(kind, { ...origin, ...change }), RangeError)
  })
})

describe('parse refuses', () => {
  it('RT-13 one kind as any other, under its own prefix or under theirs', () => {
    for (const kind of kinds) {
      const text = codec.mint(kind, { ...origin, generation: firstGenerationOf(kind) })
      for (const other of kinds) {
        if (other === kind) continue
        const otherPrefix = codec.mint(other, { ...origin, generation: firstGenerationOf(other) }).slice(0, 8)
        assert.equal(codec.parse(other, text), null)
        assert.equal(codec.parse(other, otherPrefix + text.slice(8)), null)
        assert.equal(codec.parse(kind, otherPrefix + text.slice(8)), null)
      }
    }
  })

  it('or catches by tag B every token with one bit changed, and the row is only read where tag A held', () => {
    const bytes = Buffer.from(token.slice(8), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const presented = codec.parse('refresh_token', `pawl_rt_${changed.toString('base64url')}`)
      const isInTagB = bit >= 41 * 8
      assert.equal(presented !== null, isInTagB, `bit ${bit}`)
      if (presented !== null) assert.equal(codec.provesSeed(presented, goldenSeed), false, `bit ${bit}`)
    }
  })

  it('every other character in every place', () => {
    for (let at = 0; at < token.length; at++) {
      for (const character of `${alphabet}=+/ .\n`) {
        if (character === token[at]) continue
        const presented = codec.parse('refresh_token', token.slice(0, at) + character + token.slice(at + 1))
        assert.ok(presented === null || !codec.provesSeed(presented, goldenSeed), `${character} at ${at}`)
      }
    }
  })

  it('every truncation, extension, white space and padding', () => {
    for (let length = 0; length < token.length; length++) {
      assert.equal(codec.parse('refresh_token', token.slice(0, length)), null)
      assert.equal(codec.parse('refresh_token', token.slice(length + 1)), null)
    }
    for (const extra of ['A', '=', '==', ' ', '\n', '\t', '\r\n', '\u0000', '.', '%20', 'ä']) {
      assert.equal(codec.parse('refresh_token', token + extra), null)
      assert.equal(codec.parse('refresh_token', extra + token), null)
      assert.equal(codec.parse('refresh_token', token.slice(0, 40) + extra + token.slice(40)), null)
      const presented = codec.parse('refresh_token', token.slice(0, -extra.length) + extra)
      assert.ok(presented === null || !codec.provesSeed(presented, goldenSeed))
    }
  })

  it('the standard base64 alphabet for the same bytes', () => {
    const text = codec.mint('refresh_token', { ...origin, generation: generationMax })
    assert.match(text.slice(8), /[-_]/)
    assert.equal(
      codec.parse('refresh_token', `pawl_rt_${text.slice(8).replaceAll('-', '+').replaceAll('_', '/')}`),
      null,
    )
  })

  it('whatever anyone makes up, without ever throwing', () => {
    const bytes = fc.uint8Array({ maxLength: 100 })
    const shaped = fc
      .uint8Array({ minLength: 57, maxLength: 57 })
      .map(bytes => `pawl_rt_${Buffer.from(bytes).toString('base64url')}`)
    const anything = fc.oneof(
      fc.string(),
      bytes.map(one => Buffer.from(one).toString('utf8')),
      shaped,
    )
    fc.assert(fc.property(anything, text => codec.parse('refresh_token', text) === null))
  })

  it('RT-48 a token of a master key that is gone, and takes one whose key is kept', () => {
    const old = tokenCodec(keysNamed(1)).mint('refresh_token', { ...origin, keyId: 1 })
    assert.equal(tokenCodec(keysNamed(2)).parse('refresh_token', old), null)
    assert.equal(tokenCodec(keysNamed(2, 1)).parse('refresh_token', old)?.keyId, 1)
  })

  it('another version, kind or reserved bytes, even with both tags right', () => {
    const head = (version: number, kind: number, reserved: number): Buffer => {
      const bytes = Buffer.from(token.slice(8), 'base64url').subarray(0, 25)
      bytes.writeUInt16BE(reserved, 23)
      return Buffer.concat([Buffer.from('pawl_rt_'), Uint8Array.of(version, kind), bytes.subarray(2)])
    }
    const tagged = (bytes: Buffer): string => {
      const tags = [deriveKey(goldenKeys.current, 'token tag'), goldenSeed].map(key =>
        hmacSha256(key, bytes).subarray(0, 16),
      )
      return `pawl_rt_${Buffer.concat([bytes.subarray(8), ...tags]).toString('base64url')}`
    }
    assert.equal(tagged(head(1, 1, 0)), token)
    for (const bytes of [head(0, 1, 0), head(2, 1, 0), head(1, 0, 0), head(1, 2, 0), head(1, 1, 1), head(1, 1, 256)]) {
      assert.equal(codec.parse('refresh_token', tagged(bytes)), null)
    }
  })

  it('a token made with the right seed under another master key of the same id', () => {
    const [other] = keysNamed(1).all
    assert.ok(other !== undefined)
    const disguised = { ...other, id: 7 }
    const forged = tokenCodec({ current: disguised, all: [disguised] }).mint('refresh_token', origin)
    assert.equal(codec.parse('refresh_token', forged), null)
  })
})

describe('kindOf', () => {
  it('reads the prefix and nothing else', () => {
    for (const kind of kinds)
      assert.equal(kindOf(codec.mint(kind, { ...origin, generation: firstGenerationOf(kind) })), kind)
    assert.equal(kindOf('pawl_rt_'), 'refresh_token')
    for (const text of ['', 'pawl_rt', 'pawl_xx_', 'PAWL_RT_', ' pawl_rt_', 'eyJhbGciOiJFUzI1NiJ9'])
      assert.equal(kindOf(text), null)
  })
})

describe('a presented token', () => {
  it('I11 does not print', () => {
    const presented = codec.parse('refresh_token', token)
    assert.equal(inspect({ presented }), '{ presented: [secret] }')
    assert.equal(JSON.stringify({ presented }), '{"presented":"[secret]"}')
  })
})
