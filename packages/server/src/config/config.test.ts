import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../domain/entropy.ts'
import { masterKeys, newMasterKey } from '../domain/keys/master-keys.ts'
import { type Config, completeConfig } from './config.ts'
import { type Settings, settingsSchema } from './settings.ts'

const keys = masterKeys([newMasterKey(systemEntropy(), 1)])
const production = 'https://login.example.com'
const elsewhere = 'postgres://pawl@db.example/pawl'

function complete(changes: Partial<Settings>): Config {
  return completeConfig({ ...settingsSchema.parse({ data: 'there' }), ...changes }, keys, 7295)
}

describe('the place of the store', () => {
  it('is a file in the data directory, or the one that is named', () => {
    assert.deepEqual(complete({}).place, { kind: 'sqlite', path: 'there/pawl.db' })
    assert.deepEqual(complete({ store: 'sqlite::memory:' }).place, { kind: 'sqlite', path: ':memory:' })
  })

  it('is a database with what is asked of it', () => {
    const { place } = complete({ store: elsewhere, storeConnections: 7, syncStandbys: 1 })
    const { kind, url, connections, syncStandbysMin, allowLosingRotations } = place as Extract<
      Config['place'],
      { kind: 'postgres' }
    >
    assert.deepEqual([kind, url, connections], ['postgres', `${elsewhere}?sslmode=verify-full`, 7])
    assert.deepEqual([syncStandbysMin, allowLosingRotations], [1, false])
  })
})

describe('a store that is not safe', () => {
  const refused: readonly (readonly [string, Partial<Settings>, RegExp])[] = [
    ['SQLite with standbys', { syncStandbys: 1 }, /SQLite has no standby/],
    [
      'one that may lose rotations, in production',
      { issuer: production, store: 'postgres://localhost/pawl', allowLosingRotations: true },
      /for development/,
    ],
    [
      'a connection to whoever answers, in production',
      { issuer: production, store: `${elsewhere}?sslmode=no-verify` },
      /sslmode=verify-full/,
    ],
  ]
  for (const [what, changes, sentence] of refused) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => complete(changes), { name: 'ConfigRefused', message: sentence })
    })
  }

  it('is taken in development, where it is asked for by name', () => {
    assert.equal(complete({ store: elsewhere, allowLosingRotations: true }).development, true)
  })

  it('is taken in production once it is safe', () => {
    const store = `${elsewhere}?sslmode=verify-full`
    assert.equal(complete({ issuer: production, store, syncStandbys: 1 }).development, false)
  })
})
