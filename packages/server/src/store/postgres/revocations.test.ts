/** The line of revocations against transactions that are held open: nothing that becomes visible late is ever missed. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { withClient } from '../../../../../test/postgres/query.ts'
import type { Store } from '../../domain/store.ts'
import { type Scene, sceneOn } from './fixture.test.ts'

async function sceneWithStore(test: TestContext) {
  const scene = await sceneOn(test)
  return { ...scene, store: await scene.open(), other: await scene.open() }
}

function deny(store: Store, tokenId: string): Promise<void> {
  return store.deniedAccessTokens.deny(tokenId, Date.UTC(2200, 0))
}

/** The places of tokens behind this one, by their ids. */
async function placesAfter(store: Store, place: number): Promise<ReadonlyMap<string, number>> {
  const { revocations } = await store.revocations.after(place, 100)
  return new Map(revocations.map(each => [each.revoked.kind === 'token' ? each.revoked.tokenId : '', each.place]))
}

/** Until somebody waits for a lock that is held. */
async function someoneWaits({ ask }: Scene): Promise<void> {
  for (let waiting = 0; waiting === 0; ) {
    const [row] = await ask(waitingText)
    waiting = Number(row?.[0])
  }
}

const waitingText =
  "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

describe('the line of revocations on several nodes', () => {
  it('tells of what began first and became visible last', async test => {
    const scene = await sceneWithStore(test)
    const { store, other } = scene
    await withClient(scene.url, async client => {
      await client.query('BEGIN')
      await client.query(
        `INSERT INTO revocations (kind, target_key, at_ms, until_ms) VALUES ('token', 'late', 1, ${Date.UTC(2200, 0)})`,
      )
      await deny(store, 'early')
      const line = await other.revocations.line()
      assert.deepEqual([...(await placesAfter(other, 0)).keys()], ['early'])
      await client.query('COMMIT')
      const grown = await store.revocations.line()
      assert.ok(grown.place > line.place)
      assert.deepEqual([...(await placesAfter(store, line.place)).keys()], ['late'])
    })
  })

  it('gives no place before an earlier one can be seen', async test => {
    const scene = await sceneWithStore(test)
    const { store, other } = scene
    await deny(store, 'first')
    await withClient(scene.url, async client => {
      await client.query('BEGIN')
      await client.query('UPDATE store_clock SET high_ms = high_ms + 1 WHERE id = 1')
      await client.query('UPDATE revocations SET place = (SELECT high_ms FROM store_clock) * 1000')
      await deny(store, 'second')
      let isGiven = false
      const lining = other.revocations.line().then(line => {
        isGiven = true
        return line
      })
      await someoneWaits(scene)
      assert.equal(isGiven, false)
      assert.equal((await placesAfter(store, 0)).size, 0)
      await client.query('COMMIT')
      const { place } = await lining
      const places = await placesAfter(store, 0)
      const [first = 0, second = 0] = [places.get('first'), places.get('second')]
      assert.ok(0 < first && first < second && second === place, `${first} and ${second}, up to ${place}`)
    })
  })

  it('is as of a time before the look: whatever was acknowledged by then is in it', async test => {
    const { store, other } = await sceneWithStore(test)
    for (let round = 0; round < 50; round++) {
      await deny(store, `token-${round}`)
      const acknowledgedMs = await store.now()
      const line = await other.revocations.line()
      assert.ok(line.asOfMs >= acknowledgedMs - 1, `${line.asOfMs} is before ${acknowledgedMs}`)
      const page = await other.revocations.after(line.place - 1, 10)
      assert.deepEqual(
        page.revocations.map(({ revoked }) => revoked),
        [{ kind: 'token', tokenId: `token-${round}`, expiresAtMs: Date.UTC(2200, 0) }],
      )
    }
  })
})
