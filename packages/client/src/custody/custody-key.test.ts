import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  custodyKeyFrom,
  custodyKeyFromRoots,
  decodeBase64Url,
  encodeBase64Url,
  importRoot,
  type Place,
} from './custody-key.ts'

const bytes = Uint8Array.from({ length: 32 }, (_one, at) => (at * 7) % 256)
const others = Uint8Array.from({ length: 32 }, (_one, at) => (at * 11 + 3) % 256)
const place: Place = {
  issuer: 'https://login.example.com',
  clientId: 'app',
  name: 'grant',
  version: 'AAAAAAAAAAAAAAAAAAAAAA',
}
/** Made by an earlier run; whatever changes, what people keep must open. */
const kept = 'pc1.StoAN3Hj.-PMR3ijhFYomeimT.UnTVO1jiM0jJbstVYnpHrZnniZFHYTB29mf5vQ'
const wrong = { name: 'CustodyKeyWrong' }

describe('a custody key', () => {
  it('opens what it has sealed, whatever characters it holds', async () => {
    const key = await custodyKeyFrom(bytes)
    for (const text of ['', '\ufeff{"a":1}', 'grüße 🙂', 'x'.repeat(100_000)]) {
      assert.equal(await key.open(await key.seal(text, place), place), text)
    }
  })

  it('opens what was sealed in the past', async () => {
    assert.equal(await (await custodyKeyFrom(bytes)).open(kept, place), 'a kept grant')
  })

  it('seals as HKDF-SHA-256 and AES-256-GCM say, and opens what another implementation sealed', async () => {
    const key = await custodyKeyFrom(bytes)
    assert.equal(openElsewhere(await key.seal('a kept grant', place)), 'a kept grant')
    assert.equal(await key.open(sealElsewhere('from elsewhere'), place), 'from elsewhere')
  })

  it('never seals the same text alike, and shows nothing of it', async () => {
    const key = await custodyKeyFrom(bytes)
    const sealed = await Promise.all(Array.from({ length: 100 }, () => key.seal('pawl_rt_secret', place)))
    assert.equal(new Set(sealed).size, 100)
    for (const each of sealed) assert.match(each, /^pc1\.StoAN3Hj\.[\w-]{16}\.[\w-]{40}$/)
  })

  for (const part of ['issuer', 'clientId', 'name', 'version'] as const) {
    it(`opens nothing that was sealed for another ${part}`, async () => {
      const key = await custodyKeyFrom(bytes)
      await assert.rejects(key.open(kept, { ...place, [part]: `${place[part]}x` }), wrong)
    })
  }

  it('tells places apart whose parts only join to the same text', async () => {
    const key = await custodyKeyFrom(bytes)
    const sealed = await key.seal('a', { ...place, clientId: 'ab', name: 'c' })
    await assert.rejects(key.open(sealed, { ...place, clientId: 'a', name: 'bc' }), wrong)
  })

  it('opens nothing of another key, and says neither the text nor the key', async () => {
    const other = await custodyKeyFrom(others)
    await assert.rejects(other.open(kept, place), (error: Error) => {
      assert.equal(error.name, 'CustodyKeyWrong')
      assert.doesNotMatch(inspect(error, { depth: 9 }), /a kept grant|UnTVO1|StoAN3Hj/)
      return true
    })
  })

  it('opens nothing in which a single character was changed, added or taken away', async () => {
    const key = await custodyKeyFrom(bytes)
    for (let at = 0; at < kept.length; at++) {
      const [before, after] = [kept.slice(0, at), kept.slice(at + 1)]
      const changed = kept[at] === 'A' ? 'B' : 'A'
      for (const text of [`${before}${changed}${after}`, `${before}${after}`, `${before}A${kept.slice(at)}`]) {
        await assert.rejects(key.open(text, place), wrong, text)
      }
    }
  })

  it('opens nothing that only looks like an envelope', async () => {
    const key = await custodyKeyFrom(bytes)
    const [version, id, nonce, text] = kept.split('.')
    const texts = ['', '.', '...', 'pc1', `pc1.${id}`, `pc2.${id}.${nonce}.${text}`, `${version}.${id}..${text}`]
    const more = [`${kept}.`, `${kept}.a`, `${kept}=`, ` ${kept}`, `${version}.${id}.${nonce}.`, kept.replace('-', '+')]
    for (const each of [...texts, ...more]) await assert.rejects(key.open(each, place), wrong, each)
  })

  it('opens what older keys sealed and seals with the first', async () => {
    const rotated = await custodyKeyFrom(others, bytes)
    assert.equal(await rotated.open(kept, place), 'a kept grant')
    const fresh = await rotated.seal('fresh', place)
    assert.equal(await (await custodyKeyFrom(others)).open(fresh, place), 'fresh')
    await assert.rejects((await custodyKeyFrom(bytes)).open(fresh, place), wrong)
  })

  it('is the same out of roots that nobody can read', async () => {
    const root = await importRoot(bytes)
    await assert.rejects(crypto.subtle.exportKey('raw', root))
    const key = await custodyKeyFromRoots(await importRoot(others), [root])
    assert.equal(await key.open(kept, place), 'a kept grant')
  })

  it('keeps working when the bytes it was made of are wiped', async () => {
    const mine = Uint8Array.from(bytes)
    const making = custodyKeyFrom(mine)
    mine.fill(0)
    assert.equal(await (await making).open(kept, place), 'a kept grant')
  })

  for (const length of [0, 16, 31, 33, 64]) {
    it(`is not made of ${length} bytes`, async () => {
      const error = { name: 'RangeError', message: 'a custody key has 32 bytes' }
      await assert.rejects(custodyKeyFrom(new Uint8Array(length)), error)
      await assert.rejects(custodyKeyFrom(bytes, new Uint8Array(length)), error)
    })
  }
})

describe('a retry key', () => {
  it('is the HMAC of the credential, alike in every process that has the custody key', async () => {
    const key = await custodyKeyFrom(bytes)
    const retryKey = await key.retryKeyFor('pawl_rt_example')
    assert.equal(retryKey, 'SYBqGrtArpWWKYBS5e74evhTP4RZ4mB7q3HlU4894Tk')
    assert.equal(retryKey, createHmac('sha256', derived('retry', 32)).update('pawl_rt_example').digest('base64url'))
    assert.equal(await (await custodyKeyFrom(bytes)).retryKeyFor('pawl_rt_example'), retryKey)
  })

  it('is another one for another credential and another custody key', async () => {
    const [mine, theirs] = await Promise.all([custodyKeyFrom(bytes), custodyKeyFrom(others, bytes)])
    const asked = ['a', 'b', 'a ', ''].flatMap(credential => [
      mine.retryKeyFor(credential),
      theirs.retryKeyFor(credential),
    ])
    const retryKeys = await Promise.all(asked)
    assert.equal(new Set(retryKeys).size, 8)
    for (const each of retryKeys) assert.match(each, /^[\w-]{43}$/)
  })
})

describe('base64url', () => {
  it('is read back from how it was written, and in no other way', () => {
    for (let length = 0; length < 70; length++) {
      const random = crypto.getRandomValues(new Uint8Array(length))
      const text = encodeBase64Url(random)
      assert.equal(text, Buffer.from(random).toString('base64url'))
      assert.deepEqual(decodeBase64Url(text), random)
    }
    for (const text of ['A', 'AB', 'AAB', 'A===', 'AA==', 'A A', 'AA+/', 'ä']) {
      assert.throws(() => decodeBase64Url(text), Error, text)
    }
  })
})

function derived(purpose: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, new Uint8Array(0), `pawl custody ${purpose}`, length))
}

const associated = Buffer.from('["https://login.example.com","app","grant","AAAAAAAAAAAAAAAAAAAAAA"]')

function openElsewhere(sealed: string): string {
  const [, , nonce = '', text = ''] = sealed.split('.')
  const all = Buffer.from(text, 'base64url')
  const cipher = createDecipheriv('aes-256-gcm', derived('seal', 32), Buffer.from(nonce, 'base64url'))
  cipher.setAAD(associated).setAuthTag(all.subarray(-16))
  return Buffer.concat([cipher.update(all.subarray(0, -16)), cipher.final()]).toString()
}

function sealElsewhere(text: string): string {
  const nonce = Buffer.alloc(12, 5)
  const cipher = createCipheriv('aes-256-gcm', derived('seal', 32), nonce)
  cipher.setAAD(associated)
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
  return ['pc1', derived('id', 6), nonce, sealed]
    .map(part => (typeof part === 'string' ? part : part.toString('base64url')))
    .join('.')
}
