import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { systemEntropy } from '../domain/entropy.ts'
import { checkClock, completeConfig, releasedAtMs } from './config.ts'
import { masterKeyPathOf, obtainMasterKeys } from './master-key.ts'
import { type Settings, settingsSchema } from './settings.ts'

const entropy = systemEntropy()
const production = 'https://login.example.com'
const goodKey = Buffer.from(entropy.bytes(32)).toString('base64url')
const otherKey = Buffer.from(entropy.bytes(32)).toString('base64url')
const allA = 'A'.repeat(43)

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pawl-key-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function settings(changes: Partial<Settings> = {}): Settings {
  return { ...settingsSchema.parse({ data: join(directory, 'data') }), ...changes }
}

function obtain(changes: Partial<Settings> = {}, environment: { readonly [name: string]: string } = {}): string {
  const keys = obtainMasterKeys(settings(changes), environment, entropy)
  return Buffer.from(keys.current.secret).toString('base64url')
}

function keyFile(text: string, mode: number): string {
  const path = join(directory, 'key')
  writeFileSync(path, `${text}\n`)
  chmodSync(path, mode)
  return path
}

describe('the master key in development', () => {
  it('is made on first use, for its owner alone, and stays', () => {
    const first = obtain()
    const path = masterKeyPathOf(settings())
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(obtain(), first)
    assert.deepEqual(readdirSync(join(directory, 'data')), ['master.key'])
  })

  it('is the one in the environment before the one in the file', () => {
    obtain()
    assert.equal(obtain({}, { PAWL_MASTER_KEY: goodKey }), goodKey)
    assert.equal(obtain({}, { PAWL_MASTER_KEY_FILE: keyFile(goodKey, 0o644) }), goodKey)
  })

  it('is not made where the environment gives one', () => {
    obtain({}, { PAWL_MASTER_KEY: goodKey })
    assert.deepEqual(readdirSync(directory), [])
  })

  it('is never made beside a database that was made with another', () => {
    const store = `sqlite:${join(directory, 'old.db')}`
    writeFileSync(join(directory, 'old.db'), '')
    assert.throws(() => obtain({ store }), { name: 'ConfigRefused', message: /its master key is not/ })
  })

  it('may be weak, so that a test can be played again', () => {
    assert.equal(obtain({}, { PAWL_MASTER_KEY: allA }), allA)
  })

  it('says so where it cannot be written', () => {
    writeFileSync(join(directory, 'data'), 'a file where a directory belongs')
    assert.throws(() => obtain(), { name: 'ConfigRefused', message: /cannot be written/ })
  })
})

describe('the master key in production', () => {
  it('OP-01 is never made', () => {
    assert.throws(() => obtain({ issuer: production }), {
      name: 'ConfigRefused',
      message: /needs a master key of yours/,
    })
    assert.deepEqual(readdirSync(directory), [])
  })

  it('OP-01 may come from the environment, from a private file, or from the data directory', () => {
    assert.equal(obtain({ issuer: production }, { PAWL_MASTER_KEY: goodKey }), goodKey)
    assert.equal(obtain({ issuer: production }, { PAWL_MASTER_KEY_FILE: keyFile(goodKey, 0o400) }), goodKey)
    const made = obtain()
    assert.equal(obtain({ issuer: production }), made)
  })

  for (const mode of [0o604, 0o640, 0o644, 0o660]) {
    it(`OP-01 is refused from a file of mode ${mode.toString(8)}`, () => {
      const environment = { PAWL_MASTER_KEY_FILE: keyFile(goodKey, mode) }
      assert.throws(() => obtain({ issuer: production }, environment), {
        message: /can be read by others: run chmod 600/,
      })
      obtain()
      chmodSync(masterKeyPathOf(settings()), mode)
      assert.throws(() => obtain({ issuer: production }), { message: /can be read by others: run chmod 600/ })
    })
  }

  const weak: readonly (readonly [string, string])[] = [
    ['one byte over and over', allA],
    ['a passphrase', Buffer.from('correct horse battery staple 123').toString('base64url')],
    ['a counting row', Buffer.from(Array.from({ length: 32 }, (_one, at) => at)).toString('base64url')],
    ['too short', goodKey.slice(0, 42)],
    ['too long', `${goodKey}A`],
    ['padded', `${goodKey}=`],
    ['empty', ''],
  ]
  for (const [what, text] of weak) {
    it(`OP-01 is refused when it is ${what}, without being shown`, () => {
      assert.throws(
        () => obtain({ issuer: production }, { PAWL_MASTER_KEY: text }),
        (error: Error) => {
          assert.equal(error.name, 'ConfigRefused')
          assert.match(error.message, /^PAWL_MASTER_KEY is refused/)
          assert.equal(text !== '' && error.message.includes(text), false)
          return true
        },
      )
    })
  }

  it('is never shown by a configuration that is printed', () => {
    const keys = obtainMasterKeys(settings(), { PAWL_MASTER_KEY: otherKey }, entropy)
    const config = completeConfig(settings(), keys, 7295)
    assert.equal(inspect(config, { depth: 9 }).includes(otherKey), false)
    assert.equal(JSON.stringify(config).includes(otherKey), false)
    assert.equal(readFileSync(keyFile(otherKey, 0o600), 'utf8').trim(), otherKey)
  })
})

describe('the configuration', () => {
  const keys = obtainMasterKeys(settingsSchema.parse({}), { PAWL_MASTER_KEY: goodKey }, entropy)

  it('names a development server after the port it got', () => {
    const config = completeConfig(settings(), keys, 40_001)
    assert.equal(config.issuer, 'http://localhost:40001')
    assert.equal(config.development, true)
  })

  it('keeps the issuer that was given, whatever the port', () => {
    const config = completeConfig(settings({ issuer: production }), keys, 40_001)
    assert.equal(config.issuer, production)
    assert.equal(config.development, false)
  })

  it('OP-01 refuses a clock before the day of the build in production, and takes it in development', () => {
    assert.throws(() => checkClock(settings({ issuer: production }), releasedAtMs - 1), { message: /set it/ })
    assert.equal(checkClock(settings({ issuer: production }), releasedAtMs), undefined)
    assert.equal(checkClock(settings(), 0), undefined)
  })
})
