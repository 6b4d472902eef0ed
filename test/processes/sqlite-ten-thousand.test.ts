/** A session costs one row of constant size, however often it is refreshed. */

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { appOf, browserOf, openOffice } from './registered.ts'
import { dataDirectory, startServer } from './server-process.ts'

const refreshes = 10_000
/** What SQLite lets its log grow to before it is copied back, and one batch more. */
const logBytesMax = 32 * 1024 * 1024

describe('a family that is refreshed ten thousand times', () => {
  it('has one row and the same bytes as after the first refresh', async test => {
    const data = await dataDirectory(test)
    const office = await openOffice(test, data)
    await office.addUser()
    const registered = await office.addClient({ id: 'phone', kind: 'native' })
    const server = await startServer(test, { data })
    const app = appOf(server, registered)
    const path = join(data, 'pawl.db')
    let { refreshToken } = await app.refresh((await app.signIn(browserOf(server))).refreshToken)
    const first = sizesOf(path)
    for (let count = 1; count < refreshes; count++) {
      const answer = await app.refresh(refreshToken)
      assert.equal(answer.status, 200)
      refreshToken = answer.refreshToken
    }
    const last = sizesOf(path)
    assert.equal(first.families.length, 1)
    assert.deepEqual(last, first)
    assert.ok(statSync(`${path}-wal`).size < logBytesMax)
    assert.equal(await server.stop().then(({ code }) => code), 0)
    assert.deepEqual(sizesOf(path), first)
  })
})

interface Sizes {
  /** For each row, the length of every column. */
  readonly families: readonly { readonly [column: string]: unknown }[]
  readonly rows: { readonly [table: string]: unknown }
  readonly pages: unknown
}

function sizesOf(path: string): Sizes {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const columns = database.prepare("SELECT name FROM pragma_table_info('families')").all()
    const lengths = columns.map(({ name }) => `octet_length(${name}) AS ${name}`).join(', ')
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
    const counts = tables.map(({ name }) => [name, database.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.['n']])
    return {
      families: database.prepare(`SELECT ${lengths} FROM families`).all(),
      rows: Object.fromEntries(counts) as { [table: string]: unknown },
      pages: database.prepare('PRAGMA page_count').get()?.['page_count'],
    }
  } finally {
    database.close()
  }
}
