/** The same story behind every framework: a real server issues, a real API on a socket takes and refuses. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ApiGuard, clientSecret, guardApi } from '@pawl/verifier'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { dataDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import type { App, Tokens } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { dpopKey } from '../stage/dpop.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { heardWorld } from './heard-world.ts'
import { rawAnswer } from './raw-request.ts'
import { servedApis } from './served-apis.ts'

const apiUrl = 'https://api.example'
const files = `${apiUrl}/v1/files`
const lifetime = openLifetime()

interface Ground {
  readonly server: ServerProcess
  readonly guard: ApiGuard
  readonly app: App
  readonly browser: Browser
  readonly heard: () => Promise<void>
}

let ground: Ground

before(async () => {
  const data = await dataDirectory(lifetime)
  const office = await openOffice(lifetime, data)
  await office.addUser()
  const shop = await office.addClient({ id: 'shop', kind: 'web' })
  const api = await office.addClient({ id: 'api', kind: 'service', redirectUris: [], audiences: [apiUrl] })
  const server = await startServer(lifetime, { data })
  const credentials = clientSecret('api', api.secret ?? '')
  const resourceMetadata = `${apiUrl}/.well-known/oauth-protected-resource`
  const { world, heard } = heardWorld()
  const settings = { issuer: server.issuer, audience: apiUrl, credentials, resourceMetadata, world }
  const guard = guardApi({ ...settings, follow: 'feed' })
  lifetime.after(() => guard.close())
  ground = { server, guard, app: appOf(server, shop), browser: browserOf(server), heard }
})
after(() => lifetime.end())

async function tokens(scope: string, headers: HeadersInit = {}): Promise<Tokens> {
  const { app, browser } = ground
  const fields = { scope: `openid offline_access ${scope}`, resource: apiUrl }
  const got = await app.redeem(await app.authorize(browser, fields), {}, headers)
  assert.equal(got.status, 200, JSON.stringify(got.body))
  return got
}

for (const [name, serveApi] of Object.entries(servedApis)) {
  describe(`an API behind ${name}`, () => {
    it('answers a caller with access, and says to everybody else how to ask', async test => {
      const port = await serveApi(test, ground.guard, { scopes: ['email'] })
      const get = (headers: { readonly [name: string]: string }, query = '') =>
        fetch(`http://127.0.0.1:${port}/v1/files${query}`, { headers })
      const { accessToken } = await tokens('email')
      const good = await get({ authorization: `Bearer ${accessToken}` })
      assert.deepEqual([good.status, ((await good.json()) as { clientId: string }).clientId], [200, 'shop'])

      const nobody = await get({})
      assert.equal(nobody.status, 401)
      assert.deepEqual(await nobody.json(), { error: 'unauthorized' })
      assert.match(nobody.headers.get('www-authenticate') ?? '', /^Bearer scope="email", resource_metadata=".*, DPoP /)
      assert.equal(nobody.headers.get('cache-control'), 'no-store')

      const less = await tokens('phone')
      const lacking = await get({ authorization: `Bearer ${less.accessToken}` })
      assert.equal(lacking.status, 403)
      assert.match(lacking.headers.get('www-authenticate') ?? '', /^Bearer error="insufficient_scope", scope="email"/)

      assert.equal((await get({ authorization: `Bearer ${accessToken}x` })).status, 401)
      assert.equal((await get({}, `?access_token=${accessToken}`)).status, 400)
    })

    it('takes a bound token with a new proof for each request, and sees two headers of one name', async test => {
      const port = await serveApi(test, ground.guard, {})
      const key = await dpopKey({ ...ground.server, clock: systemClock })
      const { accessToken } = await tokens('email', await key.proof({}))
      const proof = async () => (await key.proof({ method: 'GET', accessToken, claims: { htu: files } })).dpop
      const get = (headers: readonly (readonly [string, string])[]) => rawAnswer(port, '/v1/files?page=2', headers)
      const dpop = await proof()
      const authorization = ['Authorization', `DPoP ${accessToken}`] as const
      const good = await get([authorization, ['DPoP', dpop]])
      assert.equal(good.status, 200)
      assert.equal((JSON.parse(good.body) as { binding: string }).binding, 'dpop')
      assert.equal((await get([authorization, ['DPoP', dpop]])).status, 401, 'used before')
      assert.equal((await get([['Authorization', `Bearer ${accessToken}`]])).status, 401)
      const twice = await get([authorization, ['DPoP', await proof()], ['DPoP', await proof()]])
      assert.deepEqual([twice.status, JSON.parse(twice.body)], [401, { error: 'invalid_dpop_proof' }])
      const bearers = await get([authorization, ['Authorization', 'Bearer x'], ['DPoP', await proof()]])
      assert.equal(bearers.status, 400, 'the second is not hidden behind the first')
    })

    it('refuses a token whose grant was revoked, without asking about it', async test => {
      const port = await serveApi(test, ground.guard, {})
      const { accessToken, refreshToken } = await tokens('email')
      const get = async () =>
        fetch(`http://127.0.0.1:${port}/v1/files`, { headers: { authorization: `Bearer ${accessToken}` } })
      assert.equal((await get()).status, 200)
      const known = ground.guard.health().revocations.known
      await ground.app.revoke(refreshToken)
      while (ground.guard.health().revocations.known === known) await ground.heard()
      const refused = await get()
      assert.equal(refused.status, 401)
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/)
    })
  })
}
