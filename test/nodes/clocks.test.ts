/**
 * Three nodes whose machines do not agree about the time, on a database that has a time of its own: that one decides, at
 * every node alike. Here the nodes are in one process, so that their clocks and the database's can be moved.
 */

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type ClientWithSecret, registerClient } from '../../packages/server/src/admin/clients.ts'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { addUser } from '../../packages/server/src/admin/users.ts'
import { completeConfig } from '../../packages/server/src/config/config.ts'
import { settingsSchema } from '../../packages/server/src/config/settings.ts'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import { publishSecondsMin, relistSeconds } from '../../packages/server/src/domain/keys/signing-keys.ts'
import { stderrLogger } from '../../packages/server/src/http/access-log.ts'
import { openPawl, type Pawl } from '../../packages/server/src/pawl.ts'
import { type App, app, type Tokens } from '../stage/app.ts'
import { browser, type Ground, stagePassword } from '../stage/browser.ts'
import { type Lifetime, openLifetime } from '../stage/lifetime.ts'
import { quickHashing, stageStartsAtMs } from '../stage/stage.ts'
import { freshDatabase, nodesIssuer } from './nodes.ts'

/** How far the machine of each node is from the database's time. */
const skewsMs = [0, 5_000, -5_000, 120_000, -120_000]
const repeatSeconds = 60
const idleSeconds = 3_600
const accessSeconds = 600
/** Often enough that no pause between two writes is taken for an interruption. */
const betweenWritesSeconds = 5
const daySeconds = 86_400

interface SkewedNode extends Ground {
  readonly skewMs: number
  readonly pawl: Pawl
}

describe('nodes whose clocks differ', () => {
  const lifetime = openLifetime()
  const database = { nowMs: stageStartsAtMs }
  const later = (seconds: number): void => {
    database.nowMs += seconds * 1000
  }
  /** The same while the store is in use: a minute in which nobody writes is an interruption, and lengthens the window. */
  const busyFor = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= betweenWritesSeconds) {
      later(Math.min(left, betweenWritesSeconds))
      await nodes[0]!.pawl.store.throttles.refund('nobody')
    }
  }
  let nodes: readonly SkewedNode[] = []
  let phone: ClientWithSecret
  const at = (node: SkewedNode): App => app(node, phone)
  const signIn = (): Promise<Tokens> => app(nodes[0]!, phone).signIn(browser(nodes[0]!, '198.51.100.9'))

  before(async () => {
    nodes = await openNodes(lifetime, () => database.nowMs)
    const workbench = nodes[0]!.pawl.workbench('operator')
    await addUser(workbench, { email: 'ada@example.com', password: stagePassword })
    const redirectUris = ['http://127.0.0.1/cb']
    const client = { id: 'phone', kind: 'native', redirectUris, repeatSeconds, idleSeconds, accessSeconds }
    phone = await registerClient(workbench, client)
  })
  after(() => lifetime.end())
  // What ended something before has moved the store's time to a millisecond after itself.
  beforeEach(() => later(1))

  it('RT-33 agree on the repeat window: its last millisecond is inside and its end is outside', async () => {
    const held = await Promise.all(nodes.map(signIn))
    const successors: string[] = []
    for (const [index, node] of nodes.entries()) {
      successors.push((await at(node).refresh(held[index]!.refreshToken)).refreshToken)
    }
    await busyFor(repeatSeconds - 0.001)
    for (const [index, rotating] of nodes.entries()) {
      for (const node of nodes) {
        const { status, refreshToken } = await at(node).refresh(held[index]!.refreshToken)
        assert.deepEqual([status, refreshToken], [200, successors[index]], about(rotating, node))
      }
    }
    later(0.001)
    for (const [index, rotating] of nodes.entries()) {
      const node = nodes[(index + 1) % nodes.length]!
      assert.equal((await at(node).refresh(held[index]!.refreshToken)).status, 400, about(rotating, node))
    }
  })

  it('RT-33 agree on when a session has been idle too long', async () => {
    const [inTime, late] = [await Promise.all(nodes.map(signIn)), await Promise.all(nodes.map(signIn))]
    later(idleSeconds - 0.001)
    for (const [index, node] of nodes.entries()) {
      assert.equal((await at(node).refresh(inTime[index]!.refreshToken)).status, 200, about(node))
    }
    later(0.001)
    for (const [index, node] of nodes.entries()) {
      assert.equal((await at(node).refresh(late[index]!.refreshToken)).status, 400, about(node))
    }
  })

  it('RT-33 agree on how long an access token lives, whichever of them issued it', async () => {
    const issued = await Promise.all(nodes.map(async node => at(node).refresh((await signIn()).refreshToken)))
    const statuses = (node: SkewedNode): Promise<number[]> =>
      Promise.all(issued.map(async ({ accessToken }) => (await at(node).userinfo(accessToken)).status))
    later(accessSeconds - 1)
    for (const node of nodes) {
      const good = issued.map(() => 200)
      assert.deepEqual(await statuses(node), good, about(node))
    }
    later(1)
    for (const node of nodes) {
      const over = issued.map(() => 401)
      assert.deepEqual(await statuses(node), over, about(node))
    }
  })

  it('RT-32 let nothing come back when the clock of the database is set back', async () => {
    const idle = await signIn()
    const living = await signIn()
    const revoked = await signIn()
    await at(nodes[1]!).revoke(revoked.refreshToken)
    later(daySeconds)
    assert.equal((await at(nodes[3]!).refresh(idle.refreshToken)).status, 400)
    const fresh = await signIn()
    later(-2 * daySeconds)
    for (const node of nodes) {
      for (const over of [idle, revoked, living]) {
        assert.equal((await at(node).refresh(over.refreshToken)).status, 400, about(node))
      }
      assert.equal((await at(node).refresh(fresh.refreshToken)).status, 200, about(node))
    }
    later(2 * daySeconds)
  })

  it('JW-13 publish a new key together, sign with it together, and take each the tokens of all', async () => {
    const kidsAt = async (node: SkewedNode): Promise<string[]> => {
      const set = (await (await node.send('/jwks')).json()) as { readonly keys: readonly { readonly kid: string }[] }
      return set.keys.map(({ kid }) => kid)
    }
    const rotation = { publish: publishSecondsMin, verify: 2 * idleSeconds }
    const { key } = await rotateSigningKey(nodes[2]!.pawl.workbench('operator'), 'ES256', rotation)
    const { refreshToken, accessToken: old } = await signIn()
    assert.notEqual(kidOf(old), key.kid)
    later(relistSeconds)
    for (const node of nodes) assert.ok((await kidsAt(node)).includes(key.kid), `${about(node)} has not seen the key`)
    later(publishSecondsMin - relistSeconds)
    for (const node of nodes) {
      const { accessToken } = await at(node).refresh(refreshToken)
      assert.equal(kidOf(accessToken), key.kid, about(node))
      for (const other of nodes) assert.equal((await at(other).userinfo(accessToken)).status, 200, about(node, other))
    }
  })
})

async function openNodes(lifetime: Lifetime, databaseNowMs: () => number): Promise<readonly SkewedNode[]> {
  const entropy = systemEntropy()
  const settings = settingsSchema.parse({ store: await freshDatabase(lifetime), issuer: nodesIssuer })
  const config = completeConfig(settings, masterKeys([newMasterKey(entropy, 1)]), 7295)
  const nodes: SkewedNode[] = []
  for (const skewMs of skewsMs) {
    const clock = { nowMs: () => databaseNowMs() + skewMs }
    const databaseClock = { nowMs: databaseNowMs }
    const logger = stderrLogger('silent')
    const pawl = await openPawl(config, { clock, databaseClock, entropy, logger, hashing: quickHashing })
    lifetime.after(() => pawl.close())
    const send: Ground['send'] = (path, init, address = '203.0.113.7') =>
      pawl.fetch(new Request(new URL(path, pawl.issuer), { redirect: 'manual', ...init }), { address })
    nodes.push({ skewMs, pawl, issuer: pawl.issuer, send })
  }
  return nodes
}

function about(...nodes: readonly SkewedNode[]): string {
  return `at ${nodes.map(({ skewMs }) => `${skewMs} ms`).join(', then at ')}`
}

function kidOf(accessToken: string): string {
  const [header = ''] = accessToken.split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { readonly kid: string }).kid
}
