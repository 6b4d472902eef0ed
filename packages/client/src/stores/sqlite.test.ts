import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import type { HolderClock } from '../holder/clock.ts'
import { provesCustody } from '../testing/proves-custody.ts'
import { CustodyExposed } from './custody-exposed.ts'
import { openSqliteStore } from './sqlite.ts'

// Flushing is what most of the time goes to, and it is not what is tested here.
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pawl-sqlite-store-'))
after(() => rmSync(root, { recursive: true }))

const record = { version: 'AAAAAAAAAAAAAAAAAAAAAA', sealed: 'pc1.text' }

describe('the store in SQLite', () => {
  const clock = settableClock()
  const path = join(root, 'contract.db')
  const open = async () => {
    const store = await openSqliteStore(path, clock)
    return { store, close: async () => store.close() }
  }
  for (const { sentence, run } of provesCustody({ open, passSeconds: clock.passSeconds, nowMs: clock.nowMs }))
    it(sentence, run)

  it('makes its file and log the owner’s alone', async () => {
    const file = join(root, 'deep', 'down', 'custody.db')
    const store = await openSqliteStore(file)
    await store.save('a', record, null)
    for (const each of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(each).mode & 0o777, 0o600, each)
    assert.equal(statSync(join(root, 'deep')).mode & 0o777, 0o700)
    store.close()
  })

  it('refuses a file that others may read, a link and a directory', async () => {
    const [file, link] = [join(root, 'open.db'), join(root, 'link.db')]
    writeFileSync(file, '')
    chmodSync(file, 0o640)
    await assert.rejects(openSqliteStore(file), new CustodyExposed(`'${file}' is open to others: chmod 600 it`))
    chmodSync(file, 0o600)
    symlinkSync(file, link)
    await assert.rejects(openSqliteStore(link), CustodyExposed)
    await assert.rejects(openSqliteStore(root), { code: 'EISDIR' })
  })

  it('refuses a file that is no database', async () => {
    const file = join(root, 'garbage.db')
    writeFileSync(file, 'x'.repeat(4096), { mode: 0o600 })
    await assert.rejects(openSqliteStore(file), /file is not a database/)
  })

  it('lives beside tables of the application', async () => {
    const file = join(root, 'application.db')
    writeFileSync(file, '', { mode: 0o600 })
    const application = new DatabaseSync(file)
    application.exec('CREATE TABLE pawl (name TEXT); INSERT INTO pawl VALUES (1)')
    const store = await openSqliteStore(file)
    assert.equal(await store.save('a', record, null), 'saved')
    assert.equal(application.prepare('SELECT count(*) AS n FROM pawl_custody').get()?.['n'], 1)
    application.close()
    store.close()
  })

  it('waits for another writer', async () => {
    const file = join(root, 'locked.db')
    const store = await openSqliteStore(file)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const saving = store.save('a', record, null)
    assert.equal(await store.load('a'), null)
    other.exec('COMMIT')
    assert.equal(await saving, 'saved')
    other.close()
    store.close()
  })

  it('rejects when it is closed', async () => {
    const store = await openSqliteStore(join(root, 'closed.db'))
    store.close()
    await assert.rejects(store.load('a'), { code: 'ERR_INVALID_STATE' })
    await assert.rejects(store.save('a', record, null), { code: 'ERR_INVALID_STATE' })
    await assert.rejects(store.lease('a', 60), { code: 'ERR_INVALID_STATE' })
  })

  it('clears away old leases that nobody gave back', async () => {
    const [file, time] = [join(root, 'leases.db'), settableClock()]
    const store = await openSqliteStore(file, time)
    await store.lease('left', 60)
    time.passSeconds(60 + 86_400)
    await (await store.lease('other', 60))?.release()
    const look = new DatabaseSync(file)
    const count = () => look.prepare('SELECT count(*) AS n FROM pawl_custody_leases').get()?.['n']
    assert.equal(count(), 1)
    time.passSeconds(1)
    await (await store.lease('other', 60))?.release()
    assert.equal(count(), 0)
    look.close()
    store.close()
  })

  it('is rid of records that are over, with what is saved elsewhere', async () => {
    const [file, time] = [join(root, 'over.db'), settableClock()]
    const store = await openSqliteStore(file, time)
    const expiresAtMs = time.nowMs() + 1000
    for (let at = 0; at < 20; at++) await store.save(`over ${at}`, { ...record, expiresAtMs }, null)
    await store.save('stays', { ...record, expiresAtMs: expiresAtMs + 1 }, null)
    time.passSeconds(1)
    for (let at = 0; at < 5; at++) await store.save(`new ${at}`, record, null)
    const look = new DatabaseSync(file)
    assert.equal(look.prepare('SELECT count(*) AS n FROM pawl_custody').get()?.['n'], 6)
    look.close()
    store.close()
  })

  it('ends a lease when the clock is set back to long before it was taken', async () => {
    const time = settableClock()
    const store = await openSqliteStore(join(root, 'clock.db'), time)
    assert.notEqual(await store.lease('a', 60), null)
    time.passSeconds(-60)
    assert.equal(await store.lease('a', 60), null)
    time.passSeconds(-1)
    assert.notEqual(await store.lease('a', 60), null)
    store.close()
  })

  it('refuses a record with a key, which it would lose', async () => {
    const store = await openSqliteStore(join(root, 'keys.db'))
    const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    await assert.rejects(store.save('a', { ...record, key }, null), TypeError)
    store.close()
  })
})

function settableClock(): HolderClock & { readonly passSeconds: (seconds: number) => void } {
  let nowMs = 1_800_000_000_000
  return {
    nowMs: () => nowMs,
    wait: async () => {},
    passSeconds: seconds => {
      nowMs += seconds * 1000
    },
  }
}
