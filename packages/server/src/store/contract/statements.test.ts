/**
 * What a store says to its engine: all that passes the drivers while the contract runs. It must be SQL that the
 * distributed engines take too; so must the migrations, which `test/portable-sql.test.ts` reads where they are written.
 * The drivers are the last place every statement passes, so no store can go round them; what tests say for themselves is
 * not listened to.
 */

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { Client } from 'pg'
import { unportable } from '../../../../../tools/portable-sql.ts'
import type { Kind } from './fixture.test.ts'

/**
 * Listens from here until the suite around it is over, and to nothing else: in a process that runs many tests, another
 * engine's statements and those of tests that say what is wrong on purpose pass the same drivers.
 */
export function listenToStore(): void {
  before(() => {
    overhear()
    heard.clear()
    isListening = true
  })
  after(() => {
    isListening = false
  })
}

/** Must come last: it judges what the others have made the store say. */
export function proveStatements({ walks }: Kind): void {
  describe('what is said to the engine', () => {
    it('is what a distributed engine takes too', () => {
      const texts = [...heard]
      for (const verb of ['INSERT INTO families', 'UPDATE families', 'DELETE FROM families', 'SELECT']) {
        assert.ok(
          texts.some(text => text.includes(verb)),
          `${verb} was not overheard`,
        )
      }
      assert.ok(texts.length > 30, `${texts.length} statements`)
      const findings = texts.flatMap(text => unportable(text).map(finding => `${finding}: ${text.slice(0, 200)}`))
      assert.deepEqual(findings, [])
    })
    if (walks === undefined) return
    it('finds its rows by an index, in an empty database and in one that is not', async () => {
      const findings = await walks([...heard, ...walking])
      const isKnown = (finding: string): boolean => walking.some(text => finding.endsWith(text))
      assert.deepEqual(
        findings.filter(finding => !isKnown(finding)),
        [],
      )
      for (const text of walking) {
        assert.ok(
          findings.some(finding => finding.endsWith(text)),
          `it was not seen: ${text}`,
        )
      }
    })
  })
}

/** What would be seen: a search by what has no index, and one that goes along an index for what is not in it. */
const walking = [
  "SELECT f.id FROM families f WHERE f.opening = 'x'",
  "SELECT f.id FROM families f WHERE f.id > 'x' AND f.opening = 'x' ORDER BY f.id LIMIT 5",
]

const heard = new Set<string>()
let isListening = false
let isInPlace = false

function overhear(): void {
  if (isInPlace) return
  isInPlace = true
  const { prepare, exec } = DatabaseSync.prototype
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...given: Parameters<typeof prepare>) {
    hear(given[0])
    return prepare.apply(this, given)
  }
  DatabaseSync.prototype.exec = function (this: DatabaseSync, text: string) {
    hear(text)
    exec.call(this, text)
  }
  const query: (...given: unknown[]) => unknown = Client.prototype.query
  Client.prototype.query = function (this: Client, ...given: unknown[]) {
    const [asked] = given
    hear(typeof asked === 'string' ? asked : (asked as { readonly text: string }).text)
    return query.apply(this, given)
  } as typeof Client.prototype.query
}

const ofAStore = /\/store\/(?:sqlite|postgres)\/[\w-]+\.ts:/

function hear(text: string): void {
  if (!isListening || heard.has(text)) return
  // Below the error itself stand this function, the driver's that was put in its place, and whoever called that.
  const caller = new Error('heard').stack?.split('\n')[3] ?? ''
  if (ofAStore.test(caller)) heard.add(text)
}
