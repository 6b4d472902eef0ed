import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { goldenKeys, keysNamed, seededEntropy } from './fixture.test.ts'
import { keyedHasher, type SecretKind } from './keyed-hash.ts'

const kinds: readonly SecretKind[] = ['client_secret', 'session', 'browser', 'device']
const hasher = keyedHasher(keysNamed(1), seededEntropy('hasher'))

describe('keyedHasher', () => {
  it('finds the hash of every secret it made, and only under its kind', () => {
    for (const kind of kinds) {
      const { secret, hash } = hasher.newSecret(kind)
      for (const other of kinds) {
        const found = hasher.hashOf(other, secret)
        assert.equal(found !== null && hasher.same(found, hash), other === kind, `${kind} as ${other}`)
      }
    }
  })

  it('RT-48 hashes a secret under every master key, so that it outlives the one it was made under', () => {
    const { secret, hash } = hasher.newSecret('client_secret')
    const both = keyedHasher(keysNamed(2, 1), seededEntropy('both'))
    const [renewed = '', before] = both.hashesOf('client_secret', secret)
    assert.equal(before, hash)
    const later = keyedHasher(keysNamed(2), seededEntropy('later'))
    assert.deepEqual(later.hashesOf('client_secret', secret), [renewed])
    assert.notDeepEqual(later.hashesOf('session', secret.slice(8)), [renewed], 'another kind has the same hash')
    const [nothing = ''] = later.hashesOf('client_secret', `${secret}A`)
    assert.ok(!later.same(nothing, renewed) && nothing.length !== renewed.length, 'what is no secret looks like one')
  })

  it('keeps its format: secrets and hashes as another implementation computes them', () => {
    const golden = keyedHasher(goldenKeys, { bytes: count => Uint8Array.from({ length: count }, (_, at) => at) })
    assert.deepEqual(golden.newSecret('client_secret'), {
      secret: 'pawl_cs_BwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f',
      hash: 'B_JOWK_z-_TTvEK0Lco0ZMYAyQL9whD5Cx65Uvu87pmx',
    })
    assert.deepEqual(golden.newSecret('session'), {
      secret: 'BwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f',
      hash: 'B4ssL81C6So9bAe2zLPFJyey2W0eHy8QFilFgy3QMVUN',
    })
    assert.equal(golden.keyOf('throttle', '192.0.2.1'), 'hkzE5HD6jSe9dT3dnZCyPjjTehUqjRaPKv7uKs2ihf0')
  })

  it('gives no two secrets or hashes the same, and no secret inside its hash', () => {
    const made = Array.from({ length: 200 }, () => hasher.newSecret('session'))
    assert.equal(new Set(made.flatMap(one => [one.secret, one.hash])).size, 400)
  })

  it('CA-05 answers null, and never throws, on what is no secret', () => {
    const { secret } = hasher.newSecret('client_secret')
    for (const bad of [
      '',
      secret.slice(1),
      `${secret}A`,
      `${secret}=`,
      ` ${secret}`,
      `${secret} `,
      secret.toUpperCase(),
      secret.slice(8),
      'pawl_cs_',
    ]) {
      assert.equal(hasher.hashOf('client_secret', bad), null, JSON.stringify(bad.length))
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), text => kinds.every(kind => hasher.hashOf(kind, text) === null)),
    )
  })

  it('JW-11 takes a secret in its own alphabet only', () => {
    const onlyDashes = keyedHasher(goldenKeys, { bytes: count => new Uint8Array(count).fill(0xfb) })
    const { secret, hash } = onlyDashes.newSecret('session')
    assert.match(secret, /-.*_|_.*-/)
    assert.equal(onlyDashes.hashOf('session', secret), hash)
    assert.equal(onlyDashes.hashOf('session', secret.replaceAll('-', '+').replaceAll('_', '/')), null)
  })

  it('gives another hash, or none, when one bit of the secret is another', () => {
    const { secret, hash } = hasher.newSecret('session')
    const bytes = Buffer.from(secret, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.notEqual(hasher.hashOf('session', Buffer.from(changed).toString('base64url')), hash)
    }
  })

  it('CA-10 knows a secret of an older master key while that key is kept, and not after', () => {
    const { secret, hash } = hasher.newSecret('client_secret')
    const entropy = seededEntropy('later')
    assert.equal(keyedHasher(keysNamed(2, 1), entropy).hashOf('client_secret', secret), hash)
    assert.equal(keyedHasher(keysNamed(2), entropy).hashOf('client_secret', secret), null)
  })

  it('RT-47 hashes under the master key: another key gives another hash for the same secret', () => {
    const { secret, hash } = hasher.newSecret('session')
    const [other] = keysNamed(9).all
    assert.ok(other !== undefined)
    const disguised = { ...other, id: 1 }
    const stranger = keyedHasher({ current: disguised, all: [disguised] }, seededEntropy('stranger'))
    assert.notEqual(stranger.hashOf('session', secret), hash)
  })

  it('CA-02 has a dummy of the width of a real hash, which no secret matches', () => {
    const { secret, hash } = hasher.newSecret('client_secret')
    assert.equal(hasher.dummyHash.length, hash.length)
    assert.equal(hasher.same(hasher.hashOf('client_secret', secret) ?? '', hasher.dummyHash), false)
  })

  it('TM-03 compares in constant time texts of any length', () => {
    assert.equal(hasher.same('same', 'same'), true)
    assert.equal(hasher.same('', ''), true)
    for (const [one, other] of [
      ['same', 'samf'],
      ['same', 'Same'],
      ['same', 'sames'],
      ['', 'a'],
      ['é', 'e'],
    ] as const) {
      assert.equal(hasher.same(one, other), false)
    }
  })

  it('names things by purpose, without letting one purpose run into another', () => {
    const names = [
      ['a', 'b'],
      ['a ', 'b'],
      ['a', ' b'],
      ['a b', ''],
      ['', 'a b'],
      ['b', 'a'],
    ] as const
    assert.equal(new Set(names.map(([purpose, text]) => hasher.keyOf(purpose, text))).size, names.length)
    assert.equal(hasher.keyOf('a', 'b'), hasher.keyOf('a', 'b'))
    assert.notEqual(hasher.keyOf('a', 'b'), keyedHasher(keysNamed(2, 1), seededEntropy('x')).keyOf('a', 'b'))
  })
})
