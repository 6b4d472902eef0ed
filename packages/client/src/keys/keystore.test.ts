/** The key of a keystore, on one that stands in for Keychain and Credential Manager; the real Secret Service is in test/system. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import type { HolderClock } from '../holder/clock.ts'
import { accountFile, forgetKeystoreKey, type Keystore, keystoreCustodyKey } from './keystore.ts'

const service = 'example.com command line'
const never: HolderClock = { nowMs: () => 0, wait: (_ms, signal) => new Promise(over => whenAborted(signal, over)) }

describe('a custody key in a keystore', () => {
  it('is made once, and found again', async test => {
    const { directory, keystore, entries } = await scene(test)
    const first = await keystoreCustodyKey({ service, directory, keystore, clock: never })
    const second = await keystoreCustodyKey({ service, directory, keystore, clock: never })
    assert.equal(await first.retryKeyFor('a'), await second.retryKeyFor('a'))
    assert.deepEqual([...entries.keys()], [`${service}/${await account(directory)}`])
    assert.match([...entries.values()].join(), /^[\w-]{43}$/)
  })

  it('leaves in the directory where it is found, for its owner alone, and not the key', async test => {
    const { directory, keystore, entries } = await scene(test)
    await keystoreCustodyKey({ service, directory, keystore, clock: never })
    assert.deepEqual(await readdir(directory), [accountFile])
    const { mode } = await stat(join(directory, accountFile))
    assert.equal(mode & 0o777, 0o600)
    assert.equal((await stat(directory)).mode & 0o777, 0o700)
    for (const secret of entries.values()) assert.ok(!(await account(directory)).includes(secret))
  })

  it('is one key, and one entry, where many begin at the same moment', async test => {
    const { directory, keystore, entries } = await scene(test)
    const keys = await Promise.all(
      Array.from({ length: 20 }, () => keystoreCustodyKey({ service, directory, keystore, clock: never })),
    )
    const retryKeys = await Promise.all(keys.map(key => key.retryKeyFor('a')))
    assert.equal(new Set(retryKeys).size, 1)
    assert.deepEqual([...entries.keys()], [`${service}/${await account(directory)}`])
    assert.deepEqual(await readdir(directory), [accountFile])
  })

  it('is the key of the first also where the second cannot remove its own', async test => {
    const { directory, keystore } = await scene(test)
    const stiff: Keystore = { ...keystore, remove: () => Promise.reject(new Error('no')) }
    const keys = await Promise.all([1, 2].map(() => keystoreCustodyKey({ service, directory, keystore: stiff })))
    assert.equal(await keys[0]!.retryKeyFor('a'), await keys[1]!.retryKeyFor('a'))
  })

  for (const at of ['read', 'write'] as const) {
    it(`is made by the next one where the first was killed at its ${at}`, async test => {
      const { directory, keystore } = await scene(test)
      const killed: Keystore = { ...keystore, [at]: () => Promise.reject(new Error('killed')) }
      await assert.rejects(keystoreCustodyKey({ service, directory, keystore: killed, clock: never }), /killed/)
      const key = await keystoreCustodyKey({ service, directory, keystore, clock: never })
      assert.match(await key.retryKeyFor('a'), /^[\w-]{43}$/)
    })
  }

  it('is another one for another directory', async test => {
    const { directory, keystore } = await scene(test)
    const places = ['a', 'b'].map(name => join(directory, name))
    const keys = await Promise.all(places.map(place => keystoreCustodyKey({ service, directory: place, keystore })))
    assert.notEqual(await keys[0]!.retryKeyFor('a'), await keys[1]!.retryKeyFor('a'))
  })

  it('is never made anew where the keystore has lost it, and says what to do', async test => {
    const { directory, keystore, entries } = await scene(test)
    await keystoreCustodyKey({ service, directory, keystore, clock: never })
    entries.clear()
    await assert.rejects(keystoreCustodyKey({ service, directory, keystore, clock: never }), {
      name: 'CustodyKeyUnavailable',
      reason: 'absent',
      message: /has no key of 'example\.com command line'.*remove .*custody-key-account and sign in again/,
    })
    assert.equal(entries.size, 0)
  })

  it('is not taken from what somebody else wrote there', async test => {
    const { directory, keystore, entries } = await scene(test)
    await keystoreCustodyKey({ service, directory, keystore, clock: never })
    for (const secret of ['correct horse battery staple', 'A'.repeat(43)]) {
      for (const name of entries.keys()) entries.set(name, secret)
      await assert.rejects(keystoreCustodyKey({ service, directory, keystore, clock: never }), (error: Error) => {
        assert.equal('reason' in error && error.reason, 'unusable')
        assert.ok(!inspect(error, { depth: 9 }).includes(secret))
        return true
      })
    }
  })

  for (const text of ['', 'x', `${'a'.repeat(22)}`, `${'../'.repeat(7)}a\n`]) {
    it(`is not looked for where a file says ${JSON.stringify(text)}`, async test => {
      const { directory, keystore } = await scene(test)
      await writeFile(join(directory, accountFile), text)
      await assert.rejects(keystoreCustodyKey({ service, directory, keystore, clock: never }), {
        reason: 'unusable',
        message: /does not name a key/,
      })
    })
  }

  it('says so where the directory is none', async test => {
    const { directory, keystore } = await scene(test)
    await writeFile(join(directory, 'file'), '')
    const making = keystoreCustodyKey({ service, directory: join(directory, 'file'), keystore, clock: never })
    await assert.rejects(making, { name: 'CustodyKeyUnavailable', reason: 'unreachable' })
  })

  it('is unreachable as soon as the time of a silent keystore is over', async test => {
    const { directory, keystore } = await scene(test)
    const signals: AbortSignal[] = []
    const silent: Keystore = {
      ...keystore,
      write: (_service, _account, _secret, signal) => {
        signals.push(signal)
        return new Promise(() => undefined)
      },
    }
    const asked: number[] = []
    const clock: HolderClock = { nowMs: () => 0, wait: async waitMs => void asked.push(waitMs) }
    await assert.rejects(keystoreCustodyKey({ service, directory, keystore: silent, clock }), {
      name: 'CustodyKeyUnavailable',
      reason: 'unreachable',
      message: /did not answer within 1\.5 s.*PAWL_CUSTODY_KEY/,
    })
    assert.deepEqual(asked, [1500])
    assert.ok(signals.every(({ aborted }) => aborted))
  })

  it('can be forgotten, once and again, and is another one afterwards', async test => {
    const { directory, keystore, entries } = await scene(test)
    const before = await keystoreCustodyKey({ service, directory, keystore, clock: never })
    await forgetKeystoreKey({ service, directory, keystore, clock: never })
    await forgetKeystoreKey({ service, directory, keystore, clock: never })
    assert.deepEqual([entries.size, await readdir(directory)], [0, []])
    const after = await keystoreCustodyKey({ service, directory, keystore, clock: never })
    assert.notEqual(await before.retryKeyFor('a'), await after.retryKeyFor('a'))
  })
})

interface Scene {
  readonly directory: string
  readonly keystore: Keystore
  readonly entries: Map<string, string>
}

/** A keystore that takes a turn of the loop for everything, so that those who begin together meet at every step. */
async function scene(test: TestContext): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-keystore-'))
  test.after(() => rm(directory, { recursive: true }))
  const entries = new Map<string, string>()
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const keystore: Keystore = {
    async read(of, account) {
      await turn()
      return entries.get(`${of}/${account}`) ?? null
    },
    async write(of, account, secret) {
      await turn()
      entries.set(`${of}/${account}`, secret)
    },
    async remove(of, account) {
      await turn()
      entries.delete(`${of}/${account}`)
    },
  }
  return { directory, keystore, entries }
}

async function account(directory: string): Promise<string> {
  return (await readFile(join(directory, accountFile), 'utf8')).trim()
}

function whenAborted(signal: AbortSignal | undefined, over: () => void): void {
  signal?.addEventListener('abort', over)
}
