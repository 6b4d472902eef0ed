import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { newRecord } from '../testing/custody-scene.ts'
import { provesCustody } from '../testing/proves-custody.ts'
import { fileStore } from './file.ts'
import { CustodyExposed } from './custody-exposed.ts'

const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pawl-file-store-'))
after(() => rmSync(root, { recursive: true }))

const record = { version: 'AAAAAAAAAAAAAAAAAAAAAA', sealed: 'pc1.a-long-sealed-text' }

describe('the store in files', () => {
  let nowMs = 1_800_000_000_000
  const clock = { nowMs: () => nowMs, wait: async () => {} }
  const directory = join(root, 'contract')
  const ground = {
    open: async () => ({ store: fileStore(directory, clock), close: async () => {} }),
    nowMs: clock.nowMs,
    passSeconds: (seconds: number) => {
      nowMs += seconds * 1000
    },
  }
  for (const { sentence, run } of provesCustody(ground)) it(sentence, run)

  it('makes its directory and files the owner’s alone', async () => {
    const deep = join(root, 'deep', 'down')
    await fileStore(deep).save('a', record, null)
    assert.equal(statSync(deep).mode & 0o777, 0o700)
    assert.equal(statSync(join(root, 'deep')).mode & 0o777, 0o700)
    const [file = '', ...others] = readdirSync(deep)
    assert.deepEqual(others, [])
    assert.match(file, /^[0-9a-f]{64}\.grant$/)
    assert.equal(statSync(join(deep, file)).mode & 0o777, 0o600)
  })

  it('refuses a directory that others may use, a link to one and a file', () => {
    const [open, link, file] = [join(root, 'open'), join(root, 'link'), join(root, 'file')]
    mkdirSync(open)
    for (const mode of [0o750, 0o701, 0o720, 0o777]) {
      chmodSync(open, mode)
      assert.throws(() => fileStore(open), new CustodyExposed(`'${open}' is open to others: chmod 700 it`))
    }
    chmodSync(open, 0o700)
    fileStore(open)
    symlinkSync(open, link)
    assert.throws(
      () => fileStore(link),
      new CustodyExposed(`'${link}' is no directory, or a link to one: name the directory`),
    )
    writeFileSync(file, '')
    assert.throws(() => fileStore(file), { code: 'EEXIST' })
  })

  it('refuses a record that others may use, a link to one and what is no file', async () => {
    const { store, path } = await keptIn('exposed')
    chmodSync(path, 0o640)
    await assert.rejects(store.load('a'), new CustodyExposed(`'${path}' is open to others: chmod 600 it`))
    await assert.rejects(store.save('a', newRecord(), record.version), CustodyExposed)
    await assert.rejects(store.remove('a', record.version), CustodyExposed)
    chmodSync(path, 0o600)
    assert.deepEqual(await store.load('a'), record)
    renameSync(path, join(root, 'moved'))
    symlinkSync(join(root, 'moved'), path)
    await assert.rejects(store.load('a'), new CustodyExposed(`'${path}' is a link: put the file itself there`))
    rmSync(path)
    mkdirSync(path)
    await assert.rejects(store.load('a'), new CustodyExposed(`'${path}' is no file`))
  })

  it('takes a damaged record for damaged, never for none', async () => {
    const { store, path } = await keptIn('damaged')
    const other = '{"name":"b","version":"v","sealed":"s"}'
    const reason = /(?:is damaged|is the file of another grant): remove it and sign in again/
    for (const text of ['', '{', 'null', '[]', '{"name":"a","version":1}', other, '{"expiresAtMs":"1"']) {
      writeFileSync(path, text)
      await assert.rejects(store.load('a'), reason)
      await assert.rejects(store.save('a', newRecord(), null), reason)
      await assert.rejects(store.remove('a', record.version), reason)
    }
    rmSync(path)
    assert.equal(await store.save('a', record, null), 'saved')
  })

  it('is rid of records that are over, with what is saved elsewhere', async () => {
    const place = join(root, 'over')
    const store = fileStore(place, clock)
    for (let at = 0; at < 20; at++) {
      await store.save(`over ${at}`, { ...newRecord(), expiresAtMs: nowMs + 1000 }, null)
    }
    await store.save('stays', { ...record, expiresAtMs: nowMs + 1001 }, null)
    nowMs += 1000
    for (let at = 0; at < 12; at++) await store.save(`new ${at}`, newRecord(), null)
    assert.equal(readdirSync(place).length, 13)
    assert.notEqual(await store.load('stays'), null)
  })

  it('says nothing of what is sealed in its errors', async () => {
    const { store, path } = await keptIn('secret')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -2))
    await assert.rejects(store.load('a'), (error: unknown) => !inspect(error, { depth: 9 }).includes(record.sealed))
  })

  it('leaves nothing behind when the disk refuses', async () => {
    const { store, path } = await keptIn('refused')
    rmSync(path)
    mkdirSync(join(path, 'in the way'), { recursive: true })
    await assert.rejects(store.save('a', record, null))
    assert.deepEqual(readdirSync(join(root, 'refused')), [basename(path)])
  })

  it('refuses a record with a key, which it would lose', async () => {
    const { store } = await keptIn('keys')
    const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    await assert.rejects(store.save('b', { ...record, key }, null), TypeError)
  })
})

/** A store in a directory of its own that keeps a record under `a`, and the path of the file. */
async function keptIn(name: string) {
  const directory = join(root, name)
  const store = fileStore(directory)
  await store.save('a', record, null)
  return { store, path: join(directory, readdirSync(directory)[0] ?? '') }
}
