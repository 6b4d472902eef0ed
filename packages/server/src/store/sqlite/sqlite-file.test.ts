/** What only a file has: its mode, its settings, its size, its locks and its schema. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { StoreUnavailable } from '../../domain/store.ts'
import { opened, readFamily, rotated, seededEntropy, settableClock, startMs } from '../contract/fixture.test.ts'
import { connect } from './connection.ts'
import { busyMsMax, patience } from './patience.ts'
import { openSqliteStore } from './sqlite-store.ts'

const entropy = seededEntropy('file')

async function fileStore(test: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'pawl-store-'))
  test.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'data', 'pawl.db')
  const clock = settableClock(startMs)
  const store = await openSqliteStore({ path, clock, entropy })
  test.after(() => store.close())
  return { store, clock, entropy, path }
}

describe('the database file', () => {
  it('is its owner’s alone, with its log and its directory', async test => {
    const { path } = await fileStore(test)
    const modeOf = async (name: string) => (await stat(name)).mode & 0o777
    assert.equal(await modeOf(dirname(path)), 0o700)
    for (const name of [path, `${path}-wal`, `${path}-shm`]) assert.equal(await modeOf(name), 0o600)
  })
  it('is written with a log that is flushed at every commit', async test => {
    const { path } = await fileStore(test)
    const { database, all } = connect(path)
    const setting = (name: string) => all({ text: `PRAGMA ${name}`, params: [] })[0]?.[0]
    assert.deepEqual(['journal_mode', 'synchronous', 'page_size'].map(setting), ['wal', 2, 1024])
    database.close()
  })
  it('of a newer program is refused, and left as it is', async test => {
    const { store, clock, path } = await fileStore(test)
    await store.close()
    const raw = new DatabaseSync(path)
    raw.exec('UPDATE schema_version SET version = 1000')
    raw.close()
    await assert.rejects(openSqliteStore({ path, clock, entropy }), /schema 1000 .* use the newer program/)
  })
  it('that is a directory or no database is refused as unavailable, and left as it is', async test => {
    const { path } = await fileStore(test)
    const text = join(dirname(path), 'notes.txt')
    const notes = 'These are notes and not a database. '.repeat(100)
    await writeFile(text, notes)
    for (const wrong of [dirname(path), text]) {
      const opening = openSqliteStore({ path: wrong, clock: settableClock(startMs), entropy })
      await assert.rejects(opening, StoreUnavailable)
    }
    assert.equal(await readFile(text, 'utf8'), notes)
  })
})

describe('a family refreshed 10,000 times', () => {
  it('has one row of the same bytes, in a database of the same size', async test => {
    const scene = await fileStore(test)
    const { store, path } = scene
    const raw = new DatabaseSync(path, { readOnly: true })
    const sizes = () => ({
      rows: raw.prepare('SELECT count(*) AS rows, sum(length(state) + length(step_id)) AS bytes FROM families').get(),
      pages: raw.prepare('PRAGMA page_count').get(),
      used: raw
        .prepare("SELECT sum(payload) AS payload, sum(pgsize) AS pages FROM dbstat WHERE name = 'families'")
        .get(),
    })
    let family = await rotated(scene, await opened(scene))
    const first = sizes()
    for (let refresh = 1; refresh < 10_000; refresh++) family = await rotated(scene, family)
    assert.deepEqual(sizes(), first)
    raw.close()
    const reading = await readFamily(store, family)
    assert.equal(reading.family.generation, 10_000)
  })
})

describe('a file that another process has locked', () => {
  it('is written once the lock is gone, and read meanwhile', async test => {
    const scene = await fileStore(test)
    const family = await opened(scene)
    const other = new DatabaseSync(scene.path)
    other.exec('BEGIN IMMEDIATE')
    const writing = rotated(scene, family)
    assert.equal((await readFamily(scene.store, family)).family.generation, 0)
    await new Promise(resolve => setImmediate(resolve))
    other.exec('COMMIT')
    other.close()
    assert.equal((await writing).generation, 1)
  })
  it('is given up as unavailable after a named time, and not before', async test => {
    const { path } = await fileStore(test)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const { database } = connect(path)
    let waitedMs = 0
    const patiently = patience(entropy, pauseMs => {
      waitedMs += pauseMs
      return Promise.resolve()
    })
    await assert.rejects(
      patiently(() => database.exec('BEGIN IMMEDIATE')),
      StoreUnavailable,
    )
    assert.ok(waitedMs >= busyMsMax && waitedMs < busyMsMax + 100, `waited ${waitedMs} ms`)
    database.close()
    other.close()
  })
})

describe('what has run out', () => {
  it('is tidied away by what is written', async test => {
    const { store, clock, path } = await fileStore(test)
    const keys = Array.from({ length: 300 }, (_, at) => `key ${at}`)
    await Promise.all(keys.map(key => store.throttles.charge(key, 1)))
    await Promise.all(keys.map(key => store.deniedAccessTokens.deny(key, startMs + 1000)))
    clock.advance(1001)
    for (let round = 0; round < 4; round++) {
      await Promise.all(keys.map(() => store.throttles.charge('living', 60)))
    }
    await store.close()
    const raw = new DatabaseSync(path)
    assert.deepEqual(
      raw
        .prepare('SELECT throttle_key FROM throttles')
        .all()
        .map(row => row['throttle_key']),
      ['living'],
    )
    assert.equal(raw.prepare('SELECT 1 FROM denied_access_tokens').get(), undefined)
    raw.close()
  })
})
