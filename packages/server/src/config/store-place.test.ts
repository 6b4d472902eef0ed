import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  hasPassword,
  isEncryptionUnproven,
  judgeStore,
  postgresPlace,
  shownStore,
  withEncryption,
} from './store-place.ts'

const secret = 'corr:ect/h0rse'
const written = encodeURIComponent(secret)

describe('where the store is', () => {
  const good = [
    'sqlite:/var/lib/pawl/pawl.db',
    'sqlite::memory:',
    'postgres://pawl@db.example:5432/pawl',
    'postgresql://[::1]/pawl?sslmode=verify-full',
    'postgres:///pawl?host=/run/postgresql',
    'postgres://pawl@one:5432,two:5433/pawl',
    'postgres://pawl@/pawl',
  ]
  for (const text of good) {
    it(`may be ${text}`, () => {
      assert.equal(judgeStore(text), null)
    })
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['mysql://x', /sqlite:PATH or postgres:/],
    ['sqlite:', /sqlite:PATH/],
    ['postgres:pawl', /is written/],
    ['postgres://pawl@two words/pawl', /cannot be read/],
    ['postgres://one:x/pawl', /cannot be read/],
    ['postgres://pawl@db.example', /names no database/],
    ['postgres://pawl@db.example/', /names no database/],
    ['postgres://db.example/pawl#x', /%23/],
  ]
  for (const [text, sentence] of refused) {
    it(`may not be ${text}`, () => {
      assert.match(judgeStore(text) ?? '', sentence)
    })
  }

  it('is refused without a word of what was written', () => {
    for (const text of [
      `postgres://pawl:${secret}@a b/x`,
      `postgres://pawl:${written}@db.example`,
      `mysql://${secret}`,
    ]) {
      const sentence = judgeStore(text)
      assert.ok(sentence !== null && !sentence.includes('h0rse'), text)
    }
  })
})

describe('a password in the URL of a database', () => {
  const urls = [
    `postgres://pawl:${written}@db.example/pawl`,
    `postgres://pawl:${written}@one,two/pawl`,
    `postgresql://db.example/pawl?user=pawl&password=${written}`,
    `postgres://pawl@db.example/pawl?sslpassword=${written}`,
  ]
  for (const url of urls) {
    it(`is found and never shown: ${shownStore(url)}`, () => {
      assert.equal(hasPassword(url), true)
      assert.doesNotMatch(shownStore(url), /h0rse/)
      assert.match(shownStore(url), /\*\*\*/)
      const place = postgresPlace({ url, connections: 1, syncStandbysMin: 0, allowLosingRotations: false })
      assert.doesNotMatch(inspect({ place }, { depth: 9 }) + JSON.stringify({ ...place }), /h0rse/)
      assert.equal(place.url, url)
    })
  }

  it('is not seen where there is none', () => {
    for (const text of ['sqlite:/password=x', 'postgres://pawl@db.example/pawl']) {
      assert.deepEqual([hasPassword(text), shownStore(text)], [false, text])
    }
  })
})

describe('the connection to a database', () => {
  const here = ['postgres://localhost/pawl', 'postgres://127.0.0.1/pawl', 'postgres://[::1]/pawl', 'postgres:///pawl']
  here.push('postgres://localhost:5432,[::1]:5433/pawl', 'postgres:///pawl?host=/run/postgresql', 'sqlite:pawl.db')
  for (const url of here) {
    it(`may stay as it is on this machine: ${url}`, () => {
      assert.equal(withEncryption(url), url)
      assert.equal(isEncryptionUnproven(`${url}?sslmode=no-verify`), false)
    })
  }

  const elsewhere = ['postgres://db.example/pawl', 'postgres://localhost,db.example/pawl', 'postgres://10.0.0.7/pawl']
  for (const url of elsewhere) {
    it(`is encrypted to a server that proves who it is, unless told otherwise: ${url}`, () => {
      assert.equal(withEncryption(url), `${url}?sslmode=verify-full`)
      assert.equal(withEncryption(`${url}?sslrootcert=ca`), `${url}?sslrootcert=ca&sslmode=verify-full`)
      assert.equal(withEncryption(`${url}?sslmode=disable`), `${url}?sslmode=disable`)
      assert.equal(isEncryptionUnproven(url), false)
      assert.equal(isEncryptionUnproven(`${url}?sslmode=no-verify`), true)
    })
  }

  it('goes where the parameters say', () => {
    assert.match(withEncryption('postgres://localhost/pawl?host=db.example'), /&sslmode=verify-full$/)
  })

  for (const words of ['sslmode=prefer', 'sslmode=allow', 'sslmode=', 'sslmode=verify_full', 'ssl=true', 'ssl=0']) {
    it(`is not left to chance: ${words}`, () => {
      assert.match(judgeStore(`postgres://db.example/pawl?${words}`) ?? '', /sslmode=verify-full/)
    })
  }

  it('says once how it is encrypted', () => {
    assert.notEqual(judgeStore('postgres://db.example/pawl?sslmode=verify-full&sslmode=disable'), null)
    assert.equal(judgeStore('postgres://db.example/pawl?sslmode=require'), null)
  })
})
