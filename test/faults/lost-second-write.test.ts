/**
 * A cut-off takes its T once more when the first T can be seen, and that second write is lost: whoever asked is told
 * "unknown", and whoever was told a time in between has opened a family above the first T. Asked again, the same request
 * ends that family too before it is acknowledged (I3).
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type ClientId, cutOffOf, type Family } from '@pawl/family'
import { changeClient, removeClient } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../../packages/server/src/admin/revoke.ts'
import { disableUser, resetPassword } from '../../packages/server/src/admin/users.ts'
import { shownByPassword } from '../../packages/server/src/domain/session/acr.ts'
import type { Session } from '../../packages/server/src/domain/session/session.ts'
import { settledSession, startSession } from '../../packages/server/src/domain/session/sessions.ts'
import { StoreUnavailable } from '../../packages/server/src/domain/store.ts'
import type { AuthorizationServer } from '../../packages/server/src/oauth/authorization-server.ts'
import { askToSignOut, confirmLogout } from '../../packages/server/src/oauth/logout.ts'
import { newFamily } from '../../packages/server/src/store/contract/fixture.test.ts'
import { faultProxy } from '../network/fault-proxy.ts'
import { type PostgresFaults, postgresFaults } from '../network/postgres-faults.ts'
import { freshDatabase } from '../nodes/nodes.ts'
import { partsOf, somebody } from '../stage/parts.ts'
import { openStage, type Stage } from '../stage/stage.ts'

interface Scene {
  readonly stage: Stage
  readonly server: AuthorizationServer
  readonly faults: PostgresFaults
  readonly session: Session
  readonly secret: string
}

/** What is asked for, and asked for again; it may be told "unknown". */
type Ask = (scene: Scene) => Promise<unknown>

const clientId = 'shop' as ClientId
const secondWrite = /^UPDATE store_clock SET high_ms = .*\sAND EXISTS \(SELECT 1 FROM cut_offs/s

const asked: { readonly [what: string]: Ask } = {
  'a revocation of everyone': revocation(() => ({ all: true })),
  'a revocation by client': revocation(() => ({ client: clientId })),
  'a revocation by user': revocation(({ session }) => ({ user: session.subject })),
  'a revocation by session': revocation(({ session }) => ({ session: session.id })),
  'a revocation by user and client': revocation(({ session }) => ({ user: session.subject, client: clientId })),
  'disabling a user': ({ stage, session }) => disableUser(stage.workbench, session.subject),
  'a new password': ({ stage, session }) => resetPassword(stage.workbench, session.subject, 'another correct horse'),
  'disabling a client': ({ stage }) => changeClient(stage.workbench, clientId, { disabled: true }),
  'removing a client': ({ stage }) => removeClient(stage.workbench, clientId),
  'signing out': signOut,
  'somebody else who signs in': signInAsAnother,
}

describe('a cut-off of which the second write is lost', () => {
  for (const [what, ask] of Object.entries(asked)) {
    it(`by ${what} ends, when asked again, what was opened in between`, async test => {
      const scene = await setScene(test)
      const lost = scene.faults.loseStatement({ statement: secondWrite, by: 'reset' })
      await assert.rejects(ask(scene), StoreUnavailable)
      await lost
      const late = await openedInBetween(scene)
      assert.equal(await reasonOf(scene, late), null, 'the first T was above it: nothing was lost')
      await ask(scene)
      assert.notEqual(await reasonOf(scene, late), null, 'it was acknowledged, and the family lives')
    })
  }
})

function revocation(input: (scene: Scene) => RevocationInput): Ask {
  return async scene => carryOut(scene.stage.workbench, await planRevocation(scene.stage.workbench, input(scene)))
}

/** As the browser does: with the cookie it has, and the page that stood open. */
async function signOut({ server, session, secret }: Scene): Promise<void> {
  const answer = {
    stateToken: askToSignOut(server, session, 'browser'),
    sessionSecret: secret,
    browserHash: 'browser',
    caller: somebody,
  }
  assert.equal((await confirmLogout(server, answer))?.kind, 'signed_out')
}

async function signInAsAnother(scene: Scene): Promise<void> {
  const { server, secret } = scene
  const eve = (await scene.stage.workbench.store.users.list(10)).find(user => user.email === 'eve@example.com')
  assert.ok(eve !== undefined)
  await startSession(meansOf(server), {
    subject: eve.subject,
    authTimeMs: await server.store.now(),
    shown: shownByPassword,
    lifeSeconds: 86_400,
    previous: await settledSession(meansOf(server), secret),
    caller: somebody,
  })
}

function meansOf({ store, hasher, entropy }: AuthorizationServer) {
  return { sessions: store.sessions, hashes: hasher, entropy }
}

/** A server that reaches its database through the proxy, with somebody signed in. */
async function setScene(test: TestContext): Promise<Scene> {
  const url = new URL(await freshDatabase(test))
  const proxy = await faultProxy(test, Number(url.port))
  const faults = postgresFaults(proxy)
  url.port = String(proxy.port)
  const stage = await openStage({ database: { store: url.href } })
  test.after(() => stage.close())
  await stage.addClient({ id: clientId, kind: 'web', redirectUris: ['https://a.example/cb'] })
  const user = await stage.addUser()
  await stage.addUser('eve@example.com')
  const server = await partsOf(stage)
  const { session, secret } = await startSession(meansOf(server), {
    subject: user.subject,
    authTimeMs: await server.store.now(),
    shown: shownByPassword,
    lifeSeconds: 86_400,
    previous: null,
    caller: somebody,
  })
  stage.clock.advanceSeconds(1)
  return { stage, server, faults, session, secret }
}

/** By somebody who was told a time above the first T, and of no cut-off. */
async function openedInBetween({ stage, server, session }: Scene): Promise<Family> {
  const [first] = await server.store.cutOffs.list(1)
  assert.ok(first !== undefined)
  const atMs = first.atMs + 5
  const grant = { clientId, subject: session.subject, sessionId: session.id, authTimeMs: atMs, endsWithSession: true }
  const family = newFamily(stage.entropy, atMs, {}, grant)
  stage.clock.advanceMs(10)
  assert.equal(await server.store.families.open(family, []), 'done')
  return family
}

async function reasonOf({ server }: Scene, { id }: Family): Promise<string | null> {
  const reading = await server.store.families.read(id)
  assert.ok(reading !== null)
  return cutOffOf(reading.family, reading.cutOffs)
}
