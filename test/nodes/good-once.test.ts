/** What is good once, and what is to be told once: three nodes have one memory of it, also where all are asked at once. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { browserOf } from '../processes/registered.ts'
import { answerDevice, askDevice, poll, television } from '../stage/device.ts'
import { dpopKey } from '../stage/dpop.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { openLogoutReceiver } from '../stage/logout-receiver.ts'
import { shop } from '../stage/scene.ts'
import { assertionFields, newSigner } from '../stage/signer.ts'
import { clientOn, type Nodes, nodesIssuer, places, startNodes } from './nodes.ts'

const rounds = 8
const sessions = 12
const pollMs = 20
/** Much more than couriers need, who look every few seconds. */
const attemptsMax = 6000

describe('three nodes', () => {
  const lifetime = openLifetime()
  let nodes: Nodes
  before(async () => {
    nodes = await startNodes(lifetime)
  })
  after(() => lifetime.end())

  it('DP-09 take one of three refreshes with one proof, and the family goes on with the next', async () => {
    const client = clientOn(nodes, nodes.clients.phone)
    const key = await dpopKey({ ...nodes.ground, clock: systemClock })
    const code = await client.app.authorize(client.browser)
    const first = await client.app.redeem(code, {}, await key.proof({}))
    assert.equal(first.status, 200)
    let { refreshToken } = first
    for (let round = 0; round < rounds; round++) {
      const sent = refreshToken
      const proof = await key.proof({})
      const answers = await Promise.all(places.map(place => client.appAt(place).refresh(sent, {}, proof)))
      const [good, ...others] = answers.filter(answer => answer.status === 200)
      assert.ok(good !== undefined && others.length === 0, `round ${round}: ${others.length + 1} were answered`)
      for (const answer of answers.filter(one => one !== good)) {
        assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_dpop_proof'])
      }
      refreshToken = good.refreshToken
    }
  })

  it('CA-06 believe one of three with one assertion', async () => {
    const signer = newSigner()
    const jwks = { keys: [signer.publicJwk] }
    const input = { id: 'batch', kind: 'service', auth: 'private_key_jwt', jwks, redirectUris: [] }
    const { app, appAt } = clientOn(nodes, await nodes.office.addClient(input))
    for (let round = 0; round < rounds; round++) {
      const iat = Math.floor(systemClock.nowMs() / 1000)
      const claims = { jti: randomUUID(), iss: 'batch', sub: 'batch', aud: nodesIssuer, iat, exp: iat + 60 }
      const fields = { grant_type: 'client_credentials', ...assertionFields(await signer.sign(claims)) }
      const answers = await Promise.all(places.map(place => appAt(place).post('/token', fields)))
      const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other)
      assert.deepEqual(statuses, [200, 401, 401], `round ${round}`)
      assert.equal((await app.post('/token', fields)).status, 401)
    }
  })

  it('DV-04 answer one of three polls at once, and tell the others to wait', async () => {
    const registered = await nodes.office.addClient({ ...television, redirectUris: [] })
    const { app, appAt } = clientOn(nodes, registered)
    for (let round = 0; round < rounds; round++) {
      const device = await askDevice(app)
      await answerDevice(browserOf(nodes.ground), device.user_code)
      const answers = await Promise.all(places.map(place => poll(appAt(place), device.device_code)))
      assert.deepEqual(
        answers.map(({ status, body }) => (status === 200 ? 'tokens' : String(body['error']))).toSorted(),
        ['slow_down', 'slow_down', 'tokens'],
        `round ${round}`,
      )
    }
  })

  it('LO-02 tell of each session once between them, though each of them looks for what is to be told', async () => {
    const receiver = await openLogoutReceiver(lifetime)
    const { app } = clientOn(
      nodes,
      await nodes.office.addClient({ ...shop, id: 'teller', backchannelLogoutUri: receiver.url }),
    )
    for (let session = 0; session < sessions; session++) {
      await app.signIn(browserOf(nodes.ground), { scope: 'openid' })
    }
    await nodes.command('revoke', '--user', 'ada@example.com', '--yes')
    const told = await untilAllAreTold(nodes)
    assert.equal(told.length, sessions)
    assert.ok(
      told.every(({ state, attempts }) => state === 'delivered' && attempts === 1),
      JSON.stringify(told),
    )
    assert.equal(receiver.heard.length, sessions)
    assert.equal(new Set(receiver.heard.map(({ token }) => sessionIn(token))).size, sessions)
  })
})

interface Told {
  readonly state: string
  readonly attempts: number
}

async function untilAllAreTold(nodes: Nodes): Promise<readonly Told[]> {
  const { outbox } = nodes.office.workbench.store
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const [notices, pending] = await Promise.all([outbox.notices(1), outbox.countPending(1)])
    if (notices.length === 0 && pending === 0) return outbox.list(null, sessions * 2)
    await pause(pollMs)
  }
  return assert.fail('something was never told')
}

function sessionIn(token: string): unknown {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return (claims as { readonly sid?: string }).sid
}
