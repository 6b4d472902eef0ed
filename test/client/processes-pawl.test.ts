/** Many processes, one grant, no daemon: against a real Pawl without a repeat window. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chanceOf } from '../processes/seeded.ts'
import { type Agent, openAgentGround, round } from './processes-ground.ts'

const cases = [
  { kind: 'file', processes: 8, rounds: 10 },
  { kind: 'sqlite', processes: 8, rounds: 5 },
  { kind: 'file', processes: 20, rounds: 3 },
] as const

describe('processes that share a grant', () => {
  for (const { kind, processes, rounds } of cases) {
    it(`ask once per expiry, ${processes} of them with a store of kind ${kind}`, async test => {
      const ground = await openAgentGround(test, kind)
      const agents = await Promise.all(Array.from({ length: processes }, ground.agent))
      let token = ground.firstToken
      for (let each = 1; each <= rounds; each++) {
        token = await round(agents, token)
        assert.equal(ground.tokenRequests(), 1, `round ${each}`)
      }
      assert.equal(await ground.generation(), rounds + 1)
    })
  }

  it('are never signed out, whoever is killed and whatever answer is lost', async test => {
    const ground = await openAgentGround(test, 'file')
    const chance = chanceOf(test)
    const agents = await Promise.all(Array.from({ length: 8 }, ground.agent))
    let token = ground.firstToken
    let requests = 0
    const killed = 12
    for (let kills = 0; kills < killed; kills++) {
      if (chance.below(3) === 0) ground.loseAnswer()
      const victim = chance.below(agents.length)
      const dying = agents[victim] as Agent
      const rounds = round(agents, token)
      await Promise.race([rounds, turns(chance.below(4000))])
      dying.kill()
      token = await rounds
      agents[victim] = await ground.agent()
      requests += ground.tokenRequests()
    }
    const generation = await ground.generation()
    test.diagnostic(`${killed} kills, ${requests} requests, generation ${generation}`)
    // Each round moved on by one; who was killed after it asked left an answer that the next one asked for again.
    assert.equal(generation, killed + 1)
  })

  it('all see that one signed out, and nobody asks the server again', async test => {
    const ground = await openAgentGround(test, 'file')
    const agents = await Promise.all(Array.from({ length: 8 }, ground.agent))
    const token = await round(agents, ground.firstToken)
    assert.deepEqual(await agents[0]?.end(), { id: 2, ended: 'revoked' })
    ground.tokenRequests()
    const answers = await Promise.all(agents.map(agent => agent.ask(token)))
    for (const answer of answers) assert.match('error' in Object(answer) ? JSON.stringify(answer) : '', /SignInNeeded/)
    assert.equal(ground.tokenRequests(), 0)
  })
})

/** So many turns of the event loop: a moment of chance, without a clock. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(next => setImmediate(next))
}
