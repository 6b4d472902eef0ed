/** What one node has acknowledged to have ended is over at every other one, in the next request and for ever (I3). */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Holder, manners, present } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import { refreshUntilEnded } from '../processes/two-servers.ts'
import type { Ground } from '../stage/browser.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { clientOn, holdersOn, type Nodes, places, startNodes } from './nodes.ts'

const rounds = 1_000
const strands = 8
const perManner = 4

describe('what one of three nodes has acknowledged to be over', () => {
  const lifetime = openLifetime()
  let nodes: Nodes
  before(async () => {
    nodes = await startNodes(lifetime)
  })
  after(() => lifetime.end())

  it('RV-01 is refused by both others, a thousand times', async () => {
    const { appAt, browser, app } = clientOn(nodes, nodes.clients.confidential)
    await app.signIn(browser)
    let round = 0
    const strand = async (): Promise<void> => {
      while (round < rounds) {
        const place = round++
        const code = await appAt(place).authorize(browser)
        const { refreshToken } = await appAt(place + 1).redeem(code)
        assert.equal((await appAt(place).revoke(refreshToken)).status, 200)
        const refused = await Promise.all([1, 2].map(step => appAt(place + step).refresh(refreshToken)))
        for (const { status, body } of refused) assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      }
    }
    await Promise.all(Array.from({ length: strands }, strand))
    assert.ok(round >= rounds)
  })

  it('RT-31 stays so after all nodes were stopped, killed and started again', async () => {
    const holders = await holdersOn(nodes, 2)
    const revoked = holders.filter((_, index) => index % 2 === 0)
    const living = holders.filter((_, index) => index % 2 === 1)
    for (const [place, holder] of revoked.entries()) {
      assert.equal((await appOf(nodes.at(place), holder.registered).revoke(holder.token)).status, 200)
    }
    for (const end of ['stop', 'kill'] as const) {
      await Promise.all(nodes.all().map(node => node[end]()))
      await Promise.all(places.map(nodes.startAgain))
      for (const node of nodes.all()) {
        assert.deepEqual(
          await statusesAt(node, revoked),
          revoked.map(() => 400),
        )
        assert.deepEqual(
          await statusesAt(node, living),
          living.map(() => 200),
        )
      }
    }
  })

  for (const [whose, flags] of [
    ['everyone', ['--all']],
    ['the user', ['--user', 'ada@example.com']],
  ] as const) {
    it(`RT-38 is refused by all of them, under load, from the moment the command for ${whose} says so`, async () => {
      const holders = await holdersOn(nodes, perManner)
      assert.equal(holders.length, manners.length * perManner)
      const ended = await refreshUntilEnded({ servers: nodes.all() }, holders, () =>
        nodes.command('revoke', ...flags, '--yes'),
      )
      for (const { holder, last, refusal } of ended) {
        assert.deepEqual([refusal.status, refusal.body['error']], [400, 'invalid_grant'], holder.name)
        assert.deepEqual(await accessAt(nodes, holder, last?.accessToken ?? ''), [401, 401, 401], holder.name)
      }
    })
  }
})

function statusesAt(ground: Ground, holders: readonly Holder[]): Promise<number[]> {
  return Promise.all(holders.map(async holder => (await present(holder, appOf(ground, holder.registered))).status))
}

function accessAt(nodes: Nodes, { registered }: Holder, accessToken: string): Promise<number[]> {
  return Promise.all(nodes.all().map(async node => (await appOf(node, registered).userinfo(accessToken)).status))
}
