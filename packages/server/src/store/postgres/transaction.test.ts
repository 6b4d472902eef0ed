import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Unit } from '../sql/sql.ts'
import { parseDurability } from './durability.ts'
import { addressesOf } from './addresses.ts'
import { connector } from './connect.ts'
import { postgresDialect } from './dialect.ts'
import { sceneOn } from './fixture.test.ts'
import { createWriter } from './writer.ts'

/** A writer on a table of the test's. */
async function writerOn(test: TestContext) {
  const { url, ask, entropy } = await sceneOn(test)
  await ask('CREATE TABLE written (place INTEGER, what TEXT)')
  const connect = connector({
    addresses: addressesOf(url),
    prepare: postgresDialect(true),
    needs: { syncStandbysMin: 0 },
    allowLosingRotations: false,
    report: warning => assert.fail(warning),
  })
  const stamping = { due: () => [], now: () => [], stamped: () => undefined }
  const lossOf = (durability: string) => (parseDurability(durability).readOnly ? 'read-only' : null)
  const writer = createWriter({ count: 1, connect, entropy }, { stamping, lossOf })
  return { writer, written: () => ask('SELECT place, what FROM written ORDER BY place, what') }
}

function insert(place: number, what: string) {
  return { text: 'INSERT INTO written (place, what) VALUES ($1, $2)', params: [place, what] }
}

describe('a unit', () => {
  it('is refused where its guard changes several rows, and nothing of it stays', async test => {
    const { writer, written } = await writerOn(test)
    await writer.write({ about: null, guard: null, statements: [insert(1, 'a'), insert(2, 'b')] })
    const several: Unit = {
      about: null,
      guard: { text: "UPDATE written SET what = 'c'", params: [] },
      statements: [insert(3, 'd')],
    }
    await assert.rejects(writer.write(several), RangeError)
    const none = { ...several, guard: { text: 'DELETE FROM written WHERE place = $1', params: [9] } }
    assert.equal(await writer.write(none), 'moved')
    assert.deepEqual(await written(), [
      [1, 'a'],
      [2, 'b'],
    ])
    await writer.finish()
  })
  it('that fails leaves those beside it alone', async test => {
    const { writer, written } = await writerOn(test)
    const unitOf = (place: number, text?: string): Unit => ({
      about: String(place),
      guard: insert(place, 'first'),
      statements: [text === undefined ? insert(place, 'second') : { text, params: [] }],
    })
    const outcomes = await Promise.allSettled([
      writer.write(unitOf(1)),
      writer.write(unitOf(2, 'INSERT INTO nowhere VALUES (1)')),
      writer.write(unitOf(3)),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(await written(), [
      [1, 'first'],
      [1, 'second'],
      [3, 'first'],
      [3, 'second'],
    ])
    await writer.finish()
  })
})
