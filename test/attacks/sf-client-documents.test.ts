/** Clients that publish themselves (Client ID Metadata Document): the document is a stranger's, and so is where it is. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import {
  documentBytesMax,
  documentFreshSecondsMax,
  documentFreshSecondsMin,
} from '../../packages/server/src/domain/client/client-documents.ts'
import {
  documentFailuresPerHourMax,
  documentFetchesPerHostPerMinuteMax,
  documentFetchesPerMinuteMax,
} from '../../packages/server/src/oauth/registration/registration-limits.ts'
import type { App } from '../stage/app.ts'
import type { BrowserPage } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import {
  appOf,
  clientOf,
  type Members,
  openPublisher,
  type Publisher,
  register,
  registered,
} from '../stage/registration.ts'
import { openStage, type Stage, type StageOptions } from '../stage/stage.ts'

interface Ground {
  readonly stage: Stage
  readonly publisher: Publisher
}

async function opened(lifetime: Lifetime, options: StageOptions = {}): Promise<Ground> {
  const stage = await openStage(options)
  lifetime.after(() => stage.close())
  await stage.addUser()
  return { stage, publisher: await openPublisher(lifetime) }
}

/** What an application would send its user with, before the server has ever seen it. */
function requestOf(id: string, fields: { readonly [name: string]: string } = {}): string {
  const query = {
    response_type: 'code',
    client_id: id,
    redirect_uri: 'http://127.0.0.1:5000/cb',
    scope: 'openid email offline_access',
    state: 'st',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...fields,
  }
  return `/authorize?${new URLSearchParams(query).toString()}`
}

function open({ stage }: Ground, id: string, fields?: { readonly [name: string]: string }): Promise<BrowserPage> {
  return stage.browser().open(requestOf(id, fields))
}

/** Our own page, which leads nowhere, and no client is kept. */
function assertUnknown({ status, leftTo, body }: BrowserPage, about: string): void {
  assert.deepEqual([status, leftTo], [400, null], about)
  assert.doesNotMatch(body, /127\.0\.0\.1:5000|name="password"/, about)
}

async function appBehind(ground: Ground): Promise<App> {
  await open(ground, ground.publisher.id)
  return appOf(ground.stage, { client_id: ground.publisher.id }, { redirectUri: 'http://127.0.0.1:5000/cb' })
}

describe('a client that publishes itself', () => {
  it('SF-10 is not known while its document cannot be had or is wrong, and known as soon as it is right', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const { answer, id, publish } = publisher
    const json = { 'content-type': 'application/json' }
    const right = answer.body
    const documents = (members: Members) => JSON.stringify({ ...(JSON.parse(right) as Members), ...members })
    const answers: readonly (readonly [string, number, { [name: string]: string }, string])[] = [
      ['301', 301, { ...json, location: id }, right],
      ['404', 404, json, right],
      ['500', 500, json, right],
      ['204', 204, json, ''],
      ['another type', 200, { 'content-type': 'text/html' }, right],
      ['no JSON', 200, json, '{'],
      ['a list', 200, json, `[${right}]`],
      ['a member twice', 200, json, right.replace('{', '{"client_id":"x",')],
      ['too long', 200, json, documents({ x: 'x'.repeat(documentBytesMax) })],
      ['packed', 200, { ...json, 'content-encoding': 'gzip' }, right],
      ['no id', 200, json, documents({ client_id: undefined })],
      ['another id', 200, json, documents({ client_id: `${id}/` })],
      ['the id in capitals', 200, json, documents({ client_id: id.toUpperCase() })],
      ['the id of another port', 200, json, documents({ client_id: id.replace(/:\d+/, '') })],
      ['a secret', 200, json, documents({ client_secret: 'x' })],
      ['a shared secret', 200, json, documents({ token_endpoint_auth_method: 'client_secret_basic' })],
      ['a shared secret that signs', 200, json, documents({ token_endpoint_auth_method: 'client_secret_jwt' })],
      ['no redirect URI', 200, json, documents({ redirect_uris: [] })],
      ['a dangerous redirect URI', 200, json, documents({ redirect_uris: ['javascript:alert(1)'] })],
      ['a private key', 200, json, documents({ token_endpoint_auth_method: 'private_key_jwt', jwks: privateJwks })],
      ['an address inside', 200, json, documents({ logo_uri: 'https://169.254.169.254/x' })],
    ]
    for (const [about, status, headers, body] of answers) {
      Object.assign(answer, { status, headers, body })
      assertUnknown(await open(ground, id), about)
      assert.equal(await stage.pawl.store.clients.read(id as ClientId), null, about)
    }
    Object.assign(answer, { status: 200, headers: json })
    publish()
    assert.match((await open(ground, id)).body, /name="password"/)
    assert.equal(publisher.site.requests.length, answers.length + 1, 'nothing wrong was kept, so each was asked for')
  })

  it('SF-10 has an id of one spelling, which no other is taken for', async test => {
    const ground = await opened(test)
    const { id, site } = ground.publisher
    await open(ground, id)
    const { length } = site.requests
    const others = [`${id}#x`, id.replace('http:', 'HTTP:'), id.replace('/client', '//client'), `${id}?`, `${id}/`]
    const hosts = [
      id.replace('127.0.0.1', 'localhost'),
      id.replace('127.0.0.1', '127.1'),
      id.replace('/client', '/./client'),
    ]
    for (const other of [...others, ...hosts]) assertUnknown(await open(ground, other), other)
    assert.ok(site.requests.length > length, 'where the text is an id, its own document is asked for')
  })

  it('SF-03 is looked for on the public internet alone, wherever its name leads', async test => {
    const asked: string[] = []
    const outbound = {
      resolveHost: async (host: string) => {
        asked.push(host)
        return ['10.0.0.1']
      },
    }
    const settings = { issuer: 'https://login.example.com', clientDocumentHosts: ['*'] }
    const ground = await opened(test, { settings, outbound })
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '10.0.0.1', '[fd00::1]', 'rebinding.example']
    for (const host of hosts) assertUnknown(await open(ground, `https://${host}/client.json`), host)
    assertUnknown(await open(ground, ground.publisher.id), 'http')
    assert.deepEqual(asked, ['rebinding.example'])
    assert.equal(ground.publisher.site.requests.length, 0)
  })

  it('SF-03 is looked for only where the operator allows, and not at all by default in production', async test => {
    const resolveHost = () => Promise.reject(new Error('no name server is to be asked'))
    const outbound = { resolveHost }
    for (const clientDocumentHosts of [null, [], ['other.example']]) {
      const settings = { issuer: 'https://login.example.com', clientDocumentHosts }
      const ground = await opened(test, { settings, outbound })
      assertUnknown(await open(ground, 'https://app.example/client.json'), String(clientDocumentHosts))
    }
  })

  it('SF-09 is asked for once while its document is fresh, however short or long the publisher says', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const { answer, id, site, publish } = publisher
    const asksAfter = async (seconds: number): Promise<boolean> => {
      stage.clock.advanceSeconds(seconds)
      const { length } = site.requests
      await open(ground, id)
      return site.requests.length > length
    }
    for (const [control, freshSeconds] of [
      ['no-store', documentFreshSecondsMin],
      ['max-age=1', documentFreshSecondsMin],
      ['public, max-age=900', 900],
      ['max-age=99999999', documentFreshSecondsMax],
      ['', 3600],
    ] as const) {
      answer.headers = { 'content-type': 'application/json', ...(control !== '' && { 'cache-control': control }) }
      assert.equal(await asksAfter(documentFreshSecondsMax), true, control)
      assert.equal(await asksAfter(freshSeconds - 1), false, control)
      assert.equal(await asksAfter(1), true, control)
    }
    publish({ client_name: 'Another name' })
    assert.equal(await asksAfter(3600), true)
    assert.equal((await clientOf(stage, id)).name, 'Another name')
  })

  it('SF-09 makes no more than so many fetches go out, for one network and to one host', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    publisher.answer.status = 404
    const from = (address: string, n: number) => stage.browser(address).open(requestOf(`${publisher.id}?${n}`))
    for (let n = 0; n < documentFailuresPerHourMax; n++) {
      assert.equal((await from('198.51.100.1', n)).status, 400)
      if (n % 30 === 29) stage.clock.advanceSeconds(60)
    }
    const { length } = publisher.site.requests
    assert.equal((await from('198.51.100.1', 1000)).status, 429)
    assert.equal(publisher.site.requests.length, length)
    assert.equal((await from('198.51.100.2', 1000)).status, 400, 'another network is none the worse')

    stage.clock.advanceSeconds(60)
    for (let n = 0; n < documentFetchesPerHostPerMinuteMax; n++) await from(`203.0.113.${n}`, n)
    const before = publisher.site.requests.length
    assert.equal((await from('203.0.113.200', 0)).status, 429)
    assert.equal(publisher.site.requests.length, before)
  })

  it('SF-09 keeps out nobody who is known, whatever strangers ask of the host they share', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const { answer } = publisher
    assert.equal((await open(ground, publisher.id)).status, 200)
    stage.clock.advanceSeconds(documentFreshSecondsMax)
    answer.status = 404
    for (let n = 0; n < documentFetchesPerHostPerMinuteMax; n++) {
      await stage.browser(`203.0.113.${n}`).open(requestOf(`${publisher.id}?${n}`))
    }
    assert.equal((await stage.browser('203.0.113.200').open(requestOf(`${publisher.id}?new`))).status, 429)
    for (let n = 1; n < documentFetchesPerMinuteMax; n++) assert.equal((await open(ground, publisher.id)).status, 400)
    answer.status = 200
    assert.equal((await open(ground, publisher.id)).status, 200)

    stage.clock.advanceSeconds(documentFreshSecondsMax)
    answer.status = 404
    for (let n = 0; n < documentFetchesPerMinuteMax; n++) assert.equal((await open(ground, publisher.id)).status, 400)
    const { length } = publisher.site.requests
    assert.equal((await open(ground, publisher.id)).status, 429, 'it is away, and is not asked without end')
    assert.equal(publisher.site.requests.length, length)
  })

  it('RU-10 is sent no error before a person has seen a page, and neither is one that registered itself', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const body = await registered(stage)
    const redirect = { redirect_uri: 'https://app.example/cb' }
    const faults: readonly { readonly [name: string]: string }[] = [
      { prompt: 'none' },
      { scope: 'nonsense' },
      { response_type: 'token' },
      { code_challenge_method: 'plain' },
    ]
    for (const fault of faults) {
      for (const [id, fields, place] of [
        [publisher.id, {}, 'http://127.0.0.1:5000/cb'],
        [String(body['client_id']), redirect, redirect.redirect_uri],
      ] as const) {
        const page = await open(ground, id, { ...fields, ...fault })
        assert.deepEqual([page.status, page.leftTo], [400, null], JSON.stringify(fault))
        assert.doesNotMatch(page.body, /http-equiv|<script/)
        const link = /<a href="([^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
        const way = new URL(link)
        assert.equal(way.origin + way.pathname, place)
        assert.deepEqual([way.searchParams.get('state'), way.searchParams.get('iss')], ['st', stage.issuer])
        assert.notEqual(way.searchParams.get('error'), null)
      }
    }
    const posted = await open(ground, publisher.id, { prompt: 'none', response_mode: 'form_post' })
    assert.match(posted.body, /<form method="post" action="http:\/\/127\.0\.0\.1:5000\/cb">/)
    assert.doesNotMatch(posted.body, /<script/)
  })

  it('RU-11 is sent nobody who is not signed in and has seen no page, and neither is one that registered itself', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const bye = 'https://app.example/bye'
    const body = await registered(stage, { post_logout_redirect_uris: [bye] })
    publisher.publish({ post_logout_redirect_uris: ['http://127.0.0.1/bye'] })
    await open(ground, publisher.id)
    await stage.addClient({ id: 'by-hand', kind: 'web', redirectUris: [bye], postLogoutRedirectUris: [bye] })
    const leave = (id: unknown, uri: string) => {
      const query = { client_id: String(id), post_logout_redirect_uri: uri, state: 's' }
      return stage.browser().open(`/logout?${new URLSearchParams(query).toString()}`)
    }
    for (const [id, uri, host] of [
      [body['client_id'], bye, 'app.example'],
      [publisher.id, 'http://127.0.0.1:5000/bye', '127.0.0.1'],
    ] as const) {
      const page = await leave(id, uri)
      assert.deepEqual([page.status, page.leftTo], [200, null], String(id))
      assert.ok(page.body.includes(`<a href="${uri}?state=s" rel="noreferrer">`), page.body)
      assert.ok(page.body.includes(`<bdi>${host}</bdi>`))
      assert.doesNotMatch(page.body, /http-equiv|<script/)
    }
    assert.equal((await leave('by-hand', bye)).leftTo?.href, `${bye}?state=s`)
  })

  it('RU-10 is sent errors at once where the operator vouches for its host', async test => {
    const publisher = await openPublisher(test)
    const settings = { clientDocumentHosts: [new URL(publisher.id).host] }
    const { stage } = await opened(test, { settings })
    const { leftTo } = await open({ stage, publisher }, publisher.id, { prompt: 'none' })
    assert.equal(leftTo?.searchParams.get('error'), 'login_required')
  })

  it('CK-12 is asked about every time, by the host it is published at, whatever was agreed to before', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const app = await appBehind(ground)
    const browser = stage.browser()
    await app.signIn(browser)
    const again = await browser.open(app.authorizePath().path)
    assert.equal(again.leftTo, null)
    assert.match(again.body, new RegExp(`<dt>Published at</dt><dd><strong><bdi>${new URL(publisher.id).host}</bdi>`))
    assert.match(again.body, /Nobody can prove which application this is/)
    const silent = await browser.open(app.authorizePath({ prompt: 'none' }).path)
    assert.equal(silent.leftTo, null)

    await changeClient(stage.workbench, publisher.id, { firstParty: true })
    assert.match((await browser.open(app.authorizePath().path)).body, /<h1>Allow /)
  })

  it('CK-12 stays disabled, whatever it publishes, and keeps what an operator tightened', async test => {
    const ground = await opened(test)
    const { stage, publisher } = ground
    const app = await appBehind(ground)
    const tokens = await app.signIn(stage.browser())
    await changeClient(stage.workbench, publisher.id, { accessSeconds: 60, partner: 'mcp', repeatSeconds: 0 })
    stage.clock.advanceSeconds(documentFreshSecondsMax)
    publisher.publish({ client_name: 'Renamed' })
    await open(ground, publisher.id)
    const { name, accessTokenSeconds, partner, repeatWindowSeconds } = await clientOf(stage, publisher.id)
    assert.deepEqual([name, accessTokenSeconds, partner, repeatWindowSeconds], ['Renamed', 60, 'mcp', 0])
    const next = await app.refresh(tokens.refreshToken)
    assert.equal(next.status, 200)

    await changeClient(stage.workbench, publisher.id, { disabled: true })
    stage.clock.advanceSeconds(documentFreshSecondsMax)
    assertUnknown(await open(ground, publisher.id), 'disabled')
    assert.equal((await app.refresh(next.refreshToken)).status, 401)
    const { body } = await register(stage, { redirect_uris: ['https://app.example/cb'], client_id: publisher.id })
    assert.notEqual(body['client_id'], publisher.id)
  })
})

const privateJwks = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    },
  ],
}
