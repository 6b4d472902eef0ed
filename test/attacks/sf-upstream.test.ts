/** Another provider says where its endpoints are: its word leads nowhere that a stranger's would not. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { addUpstream } from '../../packages/server/src/admin/upstreams.ts'
import { upstreamBytesMax } from '../../packages/server/src/oauth/upstream/provider.ts'
import { openSite, type Site } from '../../packages/server/src/outbound/fixture.test.ts'
import { press } from '../stage/account.ts'
import type { BrowserPage } from '../stage/browser.ts'
import { openScene, type Scene, shop } from '../stage/scene.ts'

interface Upstream extends Scene {
  readonly site: Site
  /** What the provider says of itself from now on; a text is sent as it is. */
  readonly describe: (answer: {
    readonly status?: number
    readonly location?: string
    readonly body: object | string
  }) => void
  /** Names that were looked up. */
  readonly looked: readonly string[]
}

/** A provider on loopback. Whatever other name it points to leads into a private network. */
async function opened(test: TestContext): Promise<Upstream> {
  const looked: string[] = []
  const resolveHost = async (name: string) => {
    looked.push(name)
    return ['10.0.0.1']
  }
  const scene = await openScene(test, { client: shop, outbound: { resolveHost } })
  let answer: Parameters<Upstream['describe']>[0] = { body: {} }
  const site = await openSite((_, response) => {
    const { status = 200, location, body } = answer
    response.writeHead(status, { 'content-type': 'application/json', ...(location !== undefined && { location }) })
    response.end(typeof body === 'string' ? body : JSON.stringify({ ...metadataOf(site.origin), ...body }))
  })
  test.after(() => site.close())
  const client = { clientId: 'pawl-here', clientSecret: 'a secret of the provider' }
  await addUpstream(scene.stage.workbench, { id: 'acme', name: 'Acme', issuer: site.origin, ...client })
  return { ...scene, site, looked, describe: next => (answer = next) }
}

function metadataOf(issuer: string): object {
  const endpoints = {
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
  }
  return { issuer, ...endpoints, response_types_supported: ['code'], subject_types_supported: ['public'] }
}

async function leave({ stage, app, browser }: Upstream): Promise<BrowserPage> {
  stage.clock.advanceMs(1)
  const page = await browser.open(app.authorizePath({ scope: 'openid', prompt: 'login' }).path)
  return press(browser, page, 'upstream', { upstream: 'acme' })
}

/** Comes back from the provider with a code. */
async function comeBack(upstream: Upstream): Promise<BrowserPage> {
  const { leftTo } = await leave(upstream)
  assert.ok(leftTo !== null)
  const query = { code: 'x', state: leftTo.searchParams.get('state') ?? '', iss: upstream.site.origin }
  return upstream.browser.open(`/upstream/callback/acme?${new URLSearchParams(query).toString()}`)
}

function assertStayed(page: BrowserPage, about: string): void {
  assert.equal(page.leftTo, null, about)
  assert.ok(page.status >= 400, `${about}: ${page.status}`)
}

describe('what another provider says of itself', () => {
  it('SF-03 sends no code and no secret to an address inside', async test => {
    const upstream = await opened(test)
    const inside = [
      'https://169.254.169.254/token',
      'https://[fd00::1]/token',
      'http://inside.example/token',
      'ftp://127.0.0.1/',
    ]
    for (const tokenEndpoint of [...inside, 'https://inside.example/token']) {
      upstream.describe({ body: { token_endpoint: tokenEndpoint } })
      upstream.stage.clock.advanceSeconds(86_400)
      assertStayed(await comeBack(upstream), tokenEndpoint)
    }
    assert.deepEqual([...new Set(upstream.looked)], ['inside.example'])
    assert.deepEqual([...new Set(upstream.site.requests.map(({ url }) => url))], ['/.well-known/openid-configuration'])
  })

  it('SF-05, SF-06 is not looked for elsewhere, and has a length', async test => {
    const upstream = await opened(test)
    const target = await openSite((_, response) => response.end('{}'))
    test.after(() => target.close())
    upstream.describe({ status: 302, location: `${target.origin}/`, body: {} })
    assertStayed(await leave(upstream), 'moved')
    assert.equal(target.requests.length, 0)
    upstream.describe({ body: { filler: 'x'.repeat(upstreamBytesMax) } })
    assertStayed(await leave(upstream), 'too long')
    upstream.describe({ body: '{' })
    assertStayed(await leave(upstream), 'no JSON')
    upstream.describe({ body: {} })
    assert.equal((await leave(upstream)).leftTo?.origin, upstream.site.origin)
  })
})
