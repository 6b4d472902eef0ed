/**
 * Eight processes at one store, of which one is killed now and then: `PAWL_SEED=… node --test …` kills the same again.
 */

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileStore } from '@pawl/client/file'
import { createCustodyTables } from '@pawl/client/postgres'
import { databaseOn, sharedCluster } from '../postgres/databases.ts'
import { ask } from '../postgres/query.ts'
import { racesWhole } from './custody-processes.ts'

const steps = 100
/** Longer than the test: where a lease ends with its process, nobody waits for its time. */
const longSeconds = 3600

describe('eight processes that share a store, some killed', () => {
  it('lose nothing in files, wait for no dead one and leave little behind', async test => {
    const directory = newDirectory(test)
    await racesWhole(test, { place: { kind: 'file', directory }, steps, leaseSeconds: longSeconds })
    fileStore(directory)
    const left = readdirSync(directory)
    assert.equal(left.length, 2, `more than two records: ${left}`)
  })

  it('lose nothing in SQLite, and wait for no dead one', async test => {
    const path = join(newDirectory(test), 'custody.db')
    await racesWhole(test, { place: { kind: 'sqlite', path }, steps, leaseSeconds: longSeconds })
  })

  it('lose nothing in PostgreSQL, and wait for a dead one no longer than its lease', async test => {
    const { url, drop } = await databaseOn(await sharedCluster())
    test.after(drop)
    await ask(url, createCustodyTables())
    await racesWhole(test, { place: { kind: 'postgres', url }, steps, leaseSeconds: 2 })
  })
})

/** In memory where there is some: a process that is killed loses nothing that the system has. */
function newDirectory(test: TestContext): string {
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pawl-custody-'))
  test.after(() => rmSync(directory, { recursive: true }))
  return directory
}
