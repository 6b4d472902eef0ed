/**
 * A cut-off that is acknowledged while a request is under way (I3). What the request opens stands on what it had looked
 * at before, so it must be over with it, however late it is saved. Time passes and the cut-off is set between two looks
 * at the store, which is where another process would set it.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutOffOf } from '@pawl/family'
import type { CutOffTarget } from '../packages/server/src/domain/cut-off/cut-off.ts'
import type { Store } from '../packages/server/src/domain/store.ts'
import { shownByPassword } from '../packages/server/src/domain/session/acr.ts'
import { startSession } from '../packages/server/src/domain/session/sessions.ts'
import { changeClient } from '../packages/server/src/admin/clients.ts'
import type { ProtocolRequest } from '../packages/server/src/oauth/authorization-server.ts'
import type { AuthorizationRequest } from '../packages/server/src/oauth/authorize/authorization-request.ts'
import { startInteraction } from '../packages/server/src/oauth/authorize/interaction.ts'
import { type Next, proceed } from '../packages/server/src/oauth/authorize/proceed.ts'
import { revoke } from '../packages/server/src/oauth/revoke.ts'
import { grantByClientCredentials } from '../packages/server/src/oauth/grants/client-credentials.ts'
import { partsOf, somebody } from './stage/parts.ts'
import { openStage, type Stage } from './stage/stage.ts'

describe('a cut-off while a grant is being opened', () => {
  it('asks for a new sign-in where the session was cut off after it had been looked at', async () => {
    for (const kind of ['everyone', 'user', 'session', 'logout'] as const) {
      const scene = await arrived()
      const { session } = scene
      await cutOff(scene.stage, targetOf(kind, session))
      const next = await goOn(scene)
      assert.equal(next.kind, 'sign_in', kind)
      assert.equal((await families(scene.stage)).length, 0)
      await scene.stage.close()
    }
  })

  it('opens nothing that outlives a cut-off set while the consent was being looked up', async () => {
    for (const kind of ['everyone', 'client', 'user', 'session', 'consent'] as const) {
      const scene = await arrived()
      const target = targetOf(kind, scene.session)
      const next = await goOn(scene, store => ({
        ...store,
        consents: {
          ...store.consents,
          read: async (subject, clientId) => {
            const found = await store.consents.read(subject, clientId)
            await cutOff(scene.stage, target)
            return found
          },
        },
      }))
      assert.equal(next.kind, 'respond')
      const [opened] = await families(scene.stage)
      assert.ok(opened !== undefined)
      assert.notEqual(cutOffOf(opened.family, opened.cutOffs), null, kind)
      await scene.stage.close()
    }
  })
})

describe('a client that is disabled while it asks for a token of its own', () => {
  it('gets none where that was acknowledged before the family was begun', async () => {
    const { stage, client, request } = await service()
    const server = await partsOf(stage)
    await disable(stage)
    await assert.rejects(grantByClientCredentials(server, client, request), { code: 'invalid_client', status: 401 })
    assert.equal((await families(stage)).length, 0)
    await stage.close()
  })

  it('gets one that is over where that was acknowledged before the family was saved', async () => {
    const { stage, client, request } = await service()
    const { store } = stage.pawl
    const server = await partsOf(stage, {
      ...store,
      families: {
        ...store.families,
        open: async (family, events) => {
          await disable(stage)
          return store.families.open(family, events)
        },
      },
    })
    await grantByClientCredentials(server, client, request)
    const [opened] = await families(stage)
    assert.ok(opened !== undefined)
    assert.equal(cutOffOf(opened.family, opened.cutOffs), 'cut_off_client')
    await stage.close()
  })
})

describe('a family that a look did not find', () => {
  it('is revoked all the same where it is there, as after a look at a primary of old', async () => {
    const stage = await openStage()
    const registered = await stage.addClient({ id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'] })
    await stage.addUser()
    const app = stage.app(registered)
    const { refreshToken } = await app.signIn(stage.browser())
    const { store } = stage.pawl
    let looks = 0
    const read: Store['families']['read'] = async id => (looks++ === 0 ? null : store.families.read(id))
    const server = await partsOf(stage, { ...store, families: { ...store.families, read } })
    const secret = Buffer.from(`shop:${registered.secret}`).toString('base64')
    const parameters = {
      get: (name: string) => (name === 'token' ? refreshToken : undefined),
      all: () => [],
      has: () => false,
    }
    await revoke(server, { ...bareRequest, path: '/revoke', parameters, authorization: `Basic ${secret}` })
    assert.equal(looks, 2)
    assert.equal((await families(stage))[0]?.family.end?.reason, 'revoked_by_client')
    await stage.close()
  })
})

interface Arrived {
  readonly stage: Stage
  readonly session: Awaited<ReturnType<typeof startSession>>['session']
}

/** Somebody is signed in, and the server has just looked. */
async function arrived(): Promise<Arrived> {
  const stage = await openStage()
  await stage.addClient({ id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], firstParty: true })
  const user = await stage.addUser()
  const server = await partsOf(stage)
  const { session } = await startSession(
    { sessions: server.store.sessions, hashes: server.hasher, entropy: server.entropy },
    {
      subject: user.subject,
      authTimeMs: await server.store.now(),
      shown: shownByPassword,
      lifeSeconds: 86_400,
      previous: null,
      caller: somebody,
    },
  )
  stage.clock.advanceSeconds(10)
  return { stage, session }
}

async function goOn({ stage, session }: Arrived, front: (store: Store) => Store = store => store): Promise<Next> {
  const server = await partsOf(stage, front(stage.pawl.store))
  const client = (await server.store.clients.read('shop' as typeof request.clientId))?.client
  assert.ok(client !== undefined)
  const interaction = await startInteraction(server, request)
  return proceed(server, { interaction, client, session, hasConsented: false, caller: somebody })
}

const request: AuthorizationRequest = {
  clientId: 'shop' as AuthorizationRequest['clientId'],
  redirectUri: 'https://a.example/cb',
  responseMode: 'query',
  state: 's',
  pushed: null,
  device: null,
  redirectUriSent: true,
  scopes: ['openid', 'offline_access'],
  resources: [],
  nonce: null,
  dpopThumbprint: null,
  codeChallenge: 'c'.repeat(43),
  prompts: [],
  maxAgeSeconds: null,
  loginHint: null,
  subject: null,
  claims: null,
  wantedAcr: null,
  authorizationDetails: null,
}

function targetOf(
  kind: 'everyone' | 'client' | 'user' | 'session' | 'logout' | 'consent',
  { id, subject }: Arrived['session'],
): CutOffTarget {
  switch (kind) {
    case 'everyone':
      return { kind }
    case 'client':
      return { kind, clientId: request.clientId }
    case 'user':
      return { kind, subject }
    case 'session':
    case 'logout':
      return { kind, sessionId: id }
    case 'consent':
      return { kind, subject, clientId: request.clientId }
  }
}

/** Sets it, and lets time pass on both sides: whoever looks at the clock afterwards sees a later one. */
async function cutOff(stage: Stage, target: CutOffTarget): Promise<void> {
  stage.clock.advanceSeconds(1)
  await stage.pawl.store.cutOffs.set({ target, reason: 'a test', by: 'operator', beforeMs: null }, [])
  stage.clock.advanceSeconds(1)
}

const bareRequest: ProtocolRequest = {
  method: 'POST',
  path: '/token',
  parameters: { get: () => undefined, all: () => [], has: () => false },
  authorization: undefined,
  dpop: undefined,
  certificate: null,
  attestation: null,
  retryKey: null,
  caller: somebody,
}

async function service() {
  const stage = await openStage()
  const { client } = await stage.addClient({ id: 'robot', kind: 'service', scopes: ['read'] })
  return { stage, client, request: bareRequest }
}

async function disable(stage: Stage): Promise<void> {
  stage.clock.advanceSeconds(1)
  await changeClient(stage.workbench, 'robot', { disabled: true })
  stage.clock.advanceSeconds(1)
}

function families(stage: Stage) {
  return stage.pawl.store.families.list({}, 10)
}
