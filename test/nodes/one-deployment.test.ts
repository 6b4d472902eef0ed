/** What three nodes have in common is the database and nothing else, and no request can tell which of them it met. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { changeClient, type ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { appOf, browserOf } from '../processes/registered.ts'
import type { App, Tokens } from '../stage/app.ts'
import type { Ground } from '../stage/browser.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { type Client, clientOn, type Nodes, nodesIssuer, places, startNodes } from './nodes.ts'

/** What one network may get wrong about one account in a quarter of an hour. */
const failuresMax = 10

describe('three nodes that were started at once on an empty database', () => {
  const lifetime = openLifetime()
  let nodes: Nodes
  before(async () => {
    nodes = await startNodes(lifetime)
  })
  after(() => lifetime.end())

  it('have the same signing keys, and take the tokens of each other', async () => {
    const { client, tokens } = await signedIn(nodes, nodes.clients.confidential)
    const sets = await Promise.all(places.map(async place => (await nodes.at(place).send('/jwks')).text()))
    assert.deepEqual([...new Set(sets)], [sets[0]])
    let { refreshToken } = tokens
    for (const place of places) {
      const answer = await client.appAt(place).refresh(refreshToken)
      assert.equal(answer.status, 200)
      refreshToken = answer.refreshToken
      for (const other of places) {
        assert.equal((await client.appAt(other).userinfo(answer.accessToken)).status, 200, `${place} at ${other}`)
        assert.equal((await client.appAt(other).introspect(answer.accessToken)).active, true)
      }
    }
  })

  it('carry one sign-in together, each step of it at another node', async () => {
    const met: string[] = []
    const { app, browser } = wanderer(nodes, nodes.clients.phone, met)
    const tokens = await app.signIn(browser)
    assert.deepEqual(met, [
      'GET /authorize at 0',
      'POST /sign-in at 1',
      'GET /continue at 2',
      'POST /consent at 0',
      'POST /token at 1',
    ])
    assert.equal((await app.refresh(tokens.refreshToken)).status, 200)
  })

  it('know of a session what any of them knows: it begins and ends for all', async () => {
    const { client, tokens } = await signedIn(nodes, nodes.clients.confidential)
    const silent = client.app.authorizePath({ prompt: 'none' }).path
    const jar = new Map(client.browser.jar)
    const errorAt = async (place: number): Promise<string | null | undefined> => {
      const browser = browserOf(nodes.at(place))
      for (const [name, value] of jar) browser.jar.set(name, value)
      return (await browser.open(silent)).leftTo?.searchParams.get('error')
    }
    assert.deepEqual(await Promise.all(places.map(errorAt)), [null, null, null])
    const logout = `/logout?${new URLSearchParams({ id_token_hint: String(tokens.body['id_token']) }).toString()}`
    assert.equal((await client.browser.open(logout)).status, 200)
    const refused = places.map(() => 'login_required')
    assert.deepEqual(await Promise.all(places.map(errorAt)), refused)
  })

  it('AC-01 take a code once: redeemed at one, it ends its family when it comes to another', async () => {
    const { client } = await signedIn(nodes, nodes.clients.phone)
    const code = await client.app.authorize(client.browser)
    const first = await client.appAt(0).redeem(code)
    assert.equal(first.status, 200)
    assert.equal((await client.appAt(1).redeem(code)).status, 400)
    for (const place of places) await isOver(client.appAt(place), first)
  })

  it('AC-01 give a code that comes to all of them at once to one', async () => {
    const { client } = await signedIn(nodes, nodes.clients.phone)
    const code = await client.app.authorize(client.browser)
    const answers = await Promise.all(places.map(place => client.appAt(place).redeem(code)))
    const good = answers.filter(({ status }) => status === 200)
    assert.equal(good.length, 1)
    await isOver(client.app, good[0]!)
  })

  it('RV-12 refuse an access token that was revoked at one of them, and take the next one', async () => {
    const { client, tokens } = await signedIn(nodes, nodes.clients.confidential)
    for (const place of places) {
      const { accessToken } = await client.app.refresh(tokens.refreshToken)
      assert.equal((await client.appAt(place).revoke(accessToken, { token_type_hint: 'access_token' })).status, 200)
      for (const other of places) {
        assert.equal((await client.appAt(other).userinfo(accessToken)).status, 401, `${place} at ${other}`)
        assert.equal((await client.appAt(other).introspect(accessToken)).active, false)
      }
    }
    const next = await client.app.refresh(tokens.refreshToken)
    for (const place of places) assert.equal((await client.appAt(place).userinfo(next.accessToken)).status, 200)
  })

  it('LG-10 count failed sign-ins together', async () => {
    await nodes.office.addUser('eve@example.com')
    const { app } = clientOn(nodes, nodes.clients.confidential)
    const attempt = async (place: number): Promise<number> => {
      const browser = browserOf(nodes.at(place))
      const page = await browser.open(app.authorizePath().path)
      return (await browser.signIn(page, 'eve@example.com', 'a wrong password')).status
    }
    for (let failure = 0; failure < failuresMax; failure++) assert.notEqual(await attempt(failure), 429)
    assert.deepEqual(await Promise.all(places.map(attempt)), [429, 429, 429])
  })

  it('CA-11 refuse a client that an operator disabled or removed, in the next request', async () => {
    const registered = await nodes.office.addClient({ id: 'market', kind: 'web', firstParty: true })
    const { client, tokens } = await signedIn(nodes, registered)
    const statuses = (): Promise<number[]> =>
      Promise.all(places.map(async place => (await client.appAt(place).refresh(tokens.refreshToken)).status))
    await nodes.command('client', 'set', 'market', '--disable')
    assert.deepEqual(await statuses(), [401, 401, 401])
    await changeClient(nodes.office.workbench, 'market', { disabled: false })
    assert.deepEqual(await statuses(), [400, 400, 400], 'what disabling ended is back')
    assert.equal((await client.app.signIn(client.browser)).status, 200)
    await nodes.command('client', 'remove', 'market', '--yes')
    assert.deepEqual(await statuses(), [401, 401, 401])
  })

  it('know a client that an operator adds, and end what an operator ends, in the next request', async () => {
    const { client } = await signedIn(nodes, nodes.clients.phone)
    for (const place of places) {
      const id = `tablet-${place}`
      await nodes.command('client', 'add', id, '--kind', 'native', '--redirect', 'http://127.0.0.1/cb')
      const added = await nodes.office.workbench.store.clients.read(id as ClientId)
      const registered = { client: added!.client, secret: null }
      const { refreshToken } = await appOf(nodes.at(place), registered).signIn(client.browser)
      await nodes.command('revoke', '--client', id, '--yes')
      for (const other of places) {
        assert.equal((await appOf(nodes.at(other), registered).refresh(refreshToken)).status, 400)
      }
    }
  })
})

async function signedIn(
  nodes: Nodes,
  registered: ClientWithSecret,
): Promise<{ readonly client: Client; readonly tokens: Tokens }> {
  const client = clientOn(nodes, registered)
  return { client, tokens: await client.app.signIn(client.browser) }
}

/** An application and a browser that meet the next node with every request, and note which. */
function wanderer(nodes: Nodes, registered: ClientWithSecret, met: string[]) {
  const ground: Ground = {
    issuer: nodesIssuer,
    send: (path, init) => {
      const place = met.length % places.length
      met.push(`${init?.method ?? 'GET'} ${path.replace(/\?.*/, '')} at ${place}`)
      return nodes.at(place).send(path, init)
    },
  }
  return { app: appOf(ground, registered), browser: browserOf(ground) }
}

async function isOver(app: App, tokens: Tokens): Promise<void> {
  const { status, body } = await app.refresh(tokens.refreshToken)
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  assert.equal((await app.userinfo(tokens.accessToken)).status, 401)
}
