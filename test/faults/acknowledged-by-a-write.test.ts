/**
 * What is so already, but only on a primary that lost its standby while it was written: PostgreSQL shows what a COMMIT
 * was waiting for as soon as the connection that waits is ended. Whoever asks for it again is told 503 until the standby
 * has it, and never that it is done (I2, I3).
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Subject } from '@pawl/family'
import { endOldSecrets } from '../../packages/server/src/admin/clients.ts'
import { disableUser, enableUser } from '../../packages/server/src/admin/users.ts'
import { StoreUnavailable } from '../../packages/server/src/domain/store.ts'
import { nodesIssuer } from '../nodes/nodes.ts'
import { type Cluster, startCluster } from '../postgres/cluster.ts'
import { databaseOn } from '../postgres/databases.ts'
import { ask as askDatabase, withClient } from '../postgres/query.ts'
import { startStandby } from '../postgres/standby.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf, type Office, openOffice } from '../processes/registered.ts'
import { emptyDirectory, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { App, Tokens } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { type Lifetime, openLifetime } from '../stage/lifetime.ts'

interface Scene {
  /** As superuser, on the primary. */
  readonly url: string
  readonly standby: Cluster
  readonly office: Office
  readonly app: App
  readonly tokens: Tokens
  readonly person: SignedIn
  /** Somebody whose rows will be gone. */
  readonly goner: SignedIn
}

interface SignedIn {
  readonly browser: Browser
  readonly tokens: Tokens
}

interface Case {
  /** What makes it so on the primary alone; nothing where it is so from the beginning. */
  readonly locally: (scene: Scene) => readonly string[]
  /** Answers 200, or 503 where the outcome is unknown. */
  readonly ask: (scene: Scene) => Promise<number>
}

const ada = 'ada@example.com'
const subject = 'user-1' as Subject

const cases: { readonly [what: string]: Case } = {
  'an access token is revoked that is denied': {
    locally: ({ tokens }) => {
      const { jti, exp } = payloadOf(tokens.accessToken)
      return [`INSERT INTO denied_access_tokens (id, expires_ms) VALUES ('${String(jti)}', ${Number(exp) * 1000})`]
    },
    ask: async ({ app, tokens }) => (await app.revoke(tokens.accessToken)).status,
  },
  'a refresh token is revoked of which the family is gone': {
    locally: ({ goner }) => [`DELETE FROM families WHERE id = '${familyIdIn(goner.tokens.refreshToken)}'`],
    ask: async ({ app, goner }) => (await app.revoke(goner.tokens.refreshToken)).status,
  },
  'somebody signs out whose session is gone': {
    locally: ({ goner }) => [`DELETE FROM sessions WHERE id = '${sessionIn(goner.tokens)}'`],
    ask: ({ goner }) => signOut(goner),
  },
  'somebody signs out whose session is cut off': {
    locally: ({ person }) => [
      `INSERT INTO cut_offs (kind, target_key, at_ms, reason, set_by, set_at_ms)
SELECT 'logout', id, auth_time_ms + 1, 'a test', 'rule', auth_time_ms + 1 FROM sessions WHERE id = '${sessionIn(person.tokens)}'`,
    ],
    ask: ({ person }) => signOut(person),
  },
  'a user is enabled who is enabled': {
    locally: () => [],
    ask: ({ office }) => statusOf(() => enableUser(office.workbench, ada)),
  },
  'a user is disabled who is disabled': {
    locally: () => ['UPDATE users SET disabled = 1, version = version + 1'],
    ask: ({ office }) => statusOf(() => disableUser(office.workbench, ada)),
  },
  'a passkey is removed that is gone': {
    locally: () => [],
    ask: ({ office }) => {
      const { credentials } = office.workbench.store
      return statusOf(() => credentials.removePasskey({ id: 'none', subject }, 'all', []))
    },
  },
  'a provider is disconnected that is not connected': {
    locally: () => [],
    ask: ({ office }) => {
      const { upstreams } = office.workbench.store
      return statusOf(() => upstreams.unlink({ upstreamId: 'none', subject }, 'all', []))
    },
  },
  'old secrets are ended of which there are none': {
    locally: () => [],
    ask: ({ office }) => statusOf(() => endOldSecrets(office.workbench, 'shop')),
  },
}

describe('what is so already, and not on the standby', () => {
  const lifetime = openLifetime()
  let scene: Scene
  before(async () => {
    scene = await setScene(lifetime)
    await scene.standby.kill()
  })
  after(() => lifetime.end())

  for (const [what, { locally, ask }] of Object.entries(cases)) {
    it(`is not acknowledged where ${what}`, async () => {
      await withClient(scene.url, async client => {
        await client.query('SET synchronous_commit = local')
        for (const statement of locally(scene)) assert.equal((await client.query(statement)).rowCount, 1, statement)
      })
      assert.equal(await lettingGo(scene, () => ask(scene)), 503)
    })
  }

  it('is acknowledged once the standby has it', async () => {
    await scene.standby.start()
    for (const [what, { ask }] of Object.entries(cases)) assert.equal(await untilKnown(() => ask(scene)), 200, what)
  })
})

async function setScene(lifetime: Lifetime): Promise<Scene> {
  const primary = await startCluster()
  lifetime.after(() => primary.remove())
  const { url } = await databaseOn(primary)
  const standby = await startStandby(primary)
  lifetime.after(() => standby.remove())
  const environment = { PAWL_STORE: url, PAWL_SYNC_STANDBYS: '1' }
  const data = await emptyDirectory(lifetime)
  const office = await openOffice(lifetime, data, environment)
  await office.addUser(ada)
  const registered = await office.addClient({ id: 'shop', kind: 'web', firstParty: true })
  const flags = ['--issuer', nodesIssuer, '--workers', '1']
  const server = await startServer(lifetime, { data, port: await stablePort(), flags, environment })
  const app = appOf(server, registered)
  const signIn = async (): Promise<SignedIn> => {
    const browser = browserOf(server)
    return { browser, tokens: await app.signIn(browser) }
  }
  const [person, goner] = [await signIn(), await signIn()]
  return { url, standby, office, app, tokens: person.tokens, person, goner }
}

function payloadOf(token: string): { readonly [claim: string]: unknown } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { [claim: string]: unknown }
}

function sessionIn({ body }: Tokens): string {
  return String(payloadOf(String(body['id_token']))['sid'])
}

async function signOut({ browser, tokens }: SignedIn): Promise<number> {
  const query = new URLSearchParams({ id_token_hint: String(tokens.body['id_token']) })
  return (await browser.send(`/logout?${query.toString()}`)).status
}

async function statusOf(act: () => Promise<unknown>): Promise<number> {
  try {
    await act()
    return 200
  } catch (error) {
    if (error instanceof StoreUnavailable) return 503
    throw error
  }
}

const pollMs = 20
/** Much more than a standby needs to come back. */
const attemptsMax = 6000
const endWaiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

/** Meanwhile no COMMIT waits for the standby for long: its connection ends, and what it wrote is there. */
async function lettingGo<T>({ url }: Scene, act: () => Promise<T>): Promise<T> {
  let isOver = false
  const over = act().finally(() => {
    isOver = true
  })
  // How it ends is for whoever waits for it below.
  over.catch(() => undefined)
  while (!isOver) {
    await askDatabase(url, endWaiting)
    await pause(pollMs)
  }
  return over
}

/** As somebody who was told to come back, and does. */
async function untilKnown(ask: () => Promise<number>): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const status = await ask()
    if (status !== 503) return status
    await pause(pollMs)
  }
  return 503
}
