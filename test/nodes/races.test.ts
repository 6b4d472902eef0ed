/** One token at three nodes at once, and nodes that die under load: there is one successor, and nobody loses anything. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { type Holder, ledger, moveOn, present } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import { chanceOf } from '../processes/seeded.ts'
import type { Tokens } from '../stage/app.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { type Client, clientOn, holdersOn, type Nodes, places, startNodes } from './nodes.ts'

const parallel = 50
const rounds = 20
const kills = 8
const holdersPerManner = 4
const answersBetweenKillsMax = 90

describe('three nodes', () => {
  const lifetime = openLifetime()
  let nodes: Nodes
  before(async () => {
    nodes = await startNodes(lifetime)
  })
  after(() => lifetime.end())

  it('RT-01, RT-02 answer fifty at once with one successor inside the repeat window, and the family lives', async () => {
    const { client, tokens } = await signedIn(nodes, nodes.clients.phone)
    let { refreshToken } = tokens
    for (let round = 0; round < rounds; round++) {
      const answers = await allAtOnce(client, refreshToken)
      assert.deepEqual(
        answers.map(({ status }) => status),
        new Array(parallel).fill(200),
      )
      const [successor = '', ...others] = new Set(answers.map(answer => answer.refreshToken))
      assert.deepEqual(others, [], `round ${round} has a second successor`)
      assert.notEqual(successor, refreshToken)
      refreshToken = successor
    }
    for (const place of places) assert.equal((await client.appAt(place).refresh(refreshToken)).status, 200)
  })

  it('RT-01, RT-02 answer one of fifty where the repeat window is off, and the grant ends', async () => {
    const strict = await nodes.office.addClient({ id: 'strict', kind: 'native', repeatSeconds: 0 })
    const { client, tokens } = await signedIn(nodes, strict)
    const answers = await allAtOnce(client, tokens.refreshToken)
    const good = answers.filter(({ status }) => status === 200)
    assert.equal(good.length, 1)
    for (const { status, body } of answers.filter(answer => !good.includes(answer))) {
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    }
    for (const place of places) {
      assert.equal((await client.appAt(place).refresh(good[0]!.refreshToken)).status, 400)
      assert.equal((await client.appAt(place).userinfo(good[0]!.accessToken)).status, 401)
    }
  })

  it('RT-03 lose no rotation, make no fork and lock nobody out when one after the other is killed', async test => {
    const chance = chanceOf(test)
    const holders = await holdersOn(nodes, holdersPerManner)
    const kept = ledger()
    let killed = 0
    let answersLeft = chance.below(answersBetweenKillsMax)
    let restart: Promise<unknown> | null = null
    const killOne = async (place: number): Promise<void> => {
      await nodes.at(place).kill()
      await nodes.startAgain(place)
      restart = null
    }
    const onAnswer = (): void => {
      answersLeft -= 1
      if (answersLeft >= 0 || killed === kills || restart !== null) return
      killed += 1
      answersLeft = chance.below(answersBetweenKillsMax)
      restart = killOne(chance.below(places.length))
    }
    const live = async (holder: Holder): Promise<void> => {
      const server = { up: () => Promise.resolve(nodes.ground) }
      const outside = { server, ledger: kept, onAnswer, chance: chance.branch(holder.name) }
      while ((killed < kills || restart !== null) && kept.violations.length === 0) await moveOn(holder, outside)
    }
    await Promise.all(holders.map(live))
    assert.deepEqual(kept.violations, [])
    assert.equal(killed, kills)
    for (const holder of holders) {
      const answers = await Promise.all(nodes.all().map(node => present(holder, appOf(node, holder.registered))))
      const successors = new Set(answers.map(({ status, refreshToken }) => `${status} ${refreshToken}`))
      assert.deepEqual([successors.size, answers[0]?.status], [1, 200], `${holder.name} lost what it was told`)
    }
    test.diagnostic(`${kept.rotations()} rotations in ${kept.answers()} answers, ${kills} kills`)
  })
})

async function signedIn(
  nodes: Nodes,
  registered: ClientWithSecret,
): Promise<{ readonly client: Client; readonly tokens: Tokens }> {
  const client = clientOn(nodes, registered)
  return { client, tokens: await client.app.signIn(client.browser) }
}

/** Behind the balancer: they meet all nodes, and none of them in an order anybody chose. */
function allAtOnce({ app }: Client, refreshToken: string): Promise<Tokens[]> {
  return Promise.all(Array.from({ length: parallel }, () => app.refresh(refreshToken)))
}
