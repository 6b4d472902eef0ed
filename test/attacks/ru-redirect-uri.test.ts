/** Attacks on the address that answers go to, and on whose answer it is (RFC 9700 §4.1, RFC 9207). */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import type { App } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import { openStage, type Stage } from '../stage/stage.ts'

const registered = 'https://a.example/cb'
const afterwards = 'https://a.example/bye'

const strangers = [
  'https://evil.example/cb',
  'https://a.example/other',
  'https://a.example.evil.example/cb',
  'https://evil.example/?https://a.example/cb',
  'https://a.example@evil.example/cb',
  'https://a.example:8443/cb',
  'https://a.example/cb?a=1',
  'https://a.example/cb#x',
  'http://a.example/cb',
  '//a.example/cb',
  '/cb',
  'javascript:alert(1)',
  'data:text/html,x',
]
const spellings = [
  'https://a.example/cb/..;/x',
  'https://a.example/cb/../x',
  'https://a.example/x/../cb',
  'https://a.example/./cb',
  'https://a.example/cb/',
  'https://a.example/%2e%2e/cb',
  'https://a.example/%63b',
  'https://a.example/cb%252f',
  'https://a.example/cb%2f',
  'https://a.example/cb%00',
  'https://a.example\\cb',
  'https://a.example\\@evil.example/cb',
  'https://evil.example\\.a.example/cb',
  'https://a.example/cb\t',
  'https://a.\texample/cb',
  'https://a.example/cb\r\nLocation: https://evil.example',
  'https://a.example/cb\n',
  ' https://a.example/cb',
  'https://ａ.example/cb',
]
const capitals = [
  'https://A.example/cb',
  'https://a.EXAMPLE/cb',
  'HTTPS://a.example/cb',
  'https://a.example/CB',
  'https://a.example./cb',
]

describe('attacks on the redirect URI', () => {
  it('RU-01 stays on its own page for an address that is not registered', async () => {
    await eachStaysHere(strangers)
  })

  it('RU-01 stays on its own page for a client that is not known, or disabled', async () => {
    const { stage, app } = await opened()
    for (const id of ['nobody', '', undefined, 'shop\n']) await staysHere(stage.browser(), app, { client_id: id })
    await changeClient(stage.workbench, 'shop', { disabled: true })
    await staysHere(stage.browser(), app, {})
    await stage.close()
  })

  it('RU-01 sends nothing to an address that was removed while the person signed in', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const page = await browser.open(app.authorizePath().path)
    await changeClient(stage.workbench, 'shop', { redirectUris: ['https://a.example/new'] })
    for (const decision of ['sign_in', 'cancel']) {
      const left = await browser.submit(page, { username: 'ada@example.com', password: 'wrong', decision })
      assert.equal(left.status, 400)
      assert.equal(left.leftTo, null)
    }
    await stage.close()
  })

  it('RU-03 stays on its own page where none is named and two are registered', async () => {
    const { stage, app } = await opened({ redirectUris: [registered, 'https://a.example/second'] })
    for (const sent of [undefined, '']) {
      await staysHere(stage.browser(), app, { redirect_uri: sent, scope: 'email' })
      await staysHere(stage.browser(), app, { redirect_uri: sent })
    }
    await stage.close()
  })

  it('RU-03 lets the only one be left out of an OAuth request, and of no OpenID request', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const { parameters } = await app.authorize(browser, { redirect_uri: undefined, scope: 'email' })
    assert.ok(parameters.has('code'))
    await staysHere(browser, app, { redirect_uri: undefined })
    await stage.close()
  })

  it('RU-04 lets the port of a loopback literal differ, and nothing else', async () => {
    for (const host of ['127.0.0.1', '[::1]']) {
      const { stage, app } = await opened({ kind: 'native', redirectUris: [`http://${host}:3000/cb`] })
      const browser = stage.browser()
      for (const port of ['', ':1', ':65535']) {
        const { leftTo } = await browser.open(
          app.authorizePath({ redirect_uri: `http://${host}${port}/cb`, prompt: 'none' }).path,
        )
        assert.equal(leftTo?.searchParams.get('error'), 'login_required')
        assert.equal(leftTo.host, new URL(`http://${host}${port}`).host)
      }
      const others = [
        'localhost',
        '127.1',
        '[::ffff:127.0.0.1]',
        '127.0.0.2',
        '0.0.0.0',
        '2130706433',
        '0x7f.1',
        'evil.example',
      ]
      for (const other of others) await staysHere(browser, app, { redirect_uri: `http://${other}:3000/cb` })
      for (const rest of ['/', '/cb/', '/cb2', '/cb?x=1', '', '/CB', '/cb#x', '/../cb']) {
        await staysHere(browser, app, { redirect_uri: `http://${host}:3000${rest}` })
      }
      for (const port of [':0', ':65536', ':03000', ':', ':x']) {
        await staysHere(browser, app, { redirect_uri: `http://${host}${port}/cb` })
      }
      for (const scheme of ['https', 'ftp', 'com.example.app']) {
        await staysHere(browser, app, { redirect_uri: `${scheme}://${host}:3000/cb` })
      }
      await stage.close()
    }
  })

  it('RU-04 grants no other port to the name localhost, which anybody may resolve', async () => {
    const { stage, app } = await opened({ kind: 'native', redirectUris: ['http://localhost:3000/cb'] })
    for (const host of ['localhost:3001', 'localhost', '127.0.0.1:3000']) {
      await staysHere(stage.browser(), app, { redirect_uri: `http://${host}/cb` })
    }
    await stage.close()
  })

  it('RU-05 takes a dot for a dot', async () => {
    await eachStaysHere([
      'https://aXexample/cb',
      'https://a-example/cb',
      'https://a.example/cbX',
      'https://xa.example/cb',
    ])
  })

  it('RU-06 stays on its own page for dot segments, escapes and control characters', async () => {
    await eachStaysHere(spellings)
  })

  it('RU-08 stays on its own page for other capitals', async () => {
    await eachStaysHere(capitals)
  })

  it('RU-09 refuses to register what could never be safe', async () => {
    const { stage } = await opened()
    const never = [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'http://a.example/cb',
      'http://127.0.0.2/cb',
      'myapp:/cb',
      'https://user@a.example/cb',
      'https://@a.example/cb',
      'https://a.example/cb#x',
      'https://*.example/cb',
      'https://a.example/*',
      'https://A.example/cb',
      'https://a.example/../cb',
      '/cb',
      '',
    ]
    for (const kind of ['web', 'bff', 'spa', 'native', 'integration']) {
      for (const uri of never) {
        const client = { id: 'bad', kind, redirectUris: [registered, uri] }
        await assert.rejects(
          stage.addClient(client),
          { name: 'InputRefused', message: /redirect URI/ },
          `${uri} as ${kind}`,
        )
        const leaving = { id: 'bad', kind, redirectUris: [registered], postLogoutRedirectUris: [uri] }
        await assert.rejects(stage.addClient(leaving), { name: 'InputRefused' }, `${uri} as ${kind}`)
        await assert.rejects(changeClient(stage.workbench, 'shop', { redirectUris: [uri] }), { name: 'InputRefused' })
      }
    }
    await assert.rejects(stage.addClient({ id: 'bad', kind: 'web', redirectUris: ['com.example.app:/cb'] }), {
      name: 'InputRefused',
    })
    await stage.addClient({ id: 'good', kind: 'native', redirectUris: ['com.example.app:/cb'] })
    await stage.close()
  })

  it('RU-10 answers an error at a good address with error, state and iss, and carries nothing else', async () => {
    const { stage, app } = await opened()
    for (const [fields, error] of errors) {
      const { leftTo, status, headers } = await stage.browser().open(app.authorizePath({ state: 'st', ...fields }).path)
      assert.ok(leftTo, error)
      assert.equal(leftTo.origin + leftTo.pathname, registered)
      const { error_description: description, ...carried } = Object.fromEntries(leftTo.searchParams)
      assert.deepEqual(carried, { error, state: 'st', iss: stage.issuer })
      assert.match(description ?? '', /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      assert.equal(leftTo.hash, '')
      assert.equal(status, 303)
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('cache-control'), 'no-store')
    }
    await stage.close()
  })

  it('RU-11 stays on its own page after signing out, for every address that is not registered', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const tokens = await app.signIn(browser)
    const hint = String(tokens.body['id_token'])
    for (const uri of [
      ...strangers,
      ...spellings,
      ...capitals,
      registered,
      'https://aXexample/bye',
      'https://a.example/BYE',
    ]) {
      for (const said of [{ id_token_hint: hint }, { client_id: 'shop' }, {}]) {
        const page = await browser.open(logoutPath({ ...said, post_logout_redirect_uri: uri }))
        assert.equal(page.leftTo, null, uri)
        assert.equal(page.status, 400, uri)
      }
    }
    const silent = await browser.open(app.authorizePath({ prompt: 'none' }).path)
    assert.ok(silent.leftTo?.searchParams.has('code'), 'still signed in')
    await stage.close()
  })

  it('RU-11 signs nobody out without a hint or the click of the person', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const tokens = await app.signIn(browser, { scope: 'openid' })
    for (const said of [{}, { client_id: 'shop' }, { client_id: 'shop', post_logout_redirect_uri: afterwards }]) {
      const page = await browser.open(logoutPath(said))
      assert.equal(page.leftTo, null)
      assert.equal(page.status, 200)
      assert.ok(
        (await browser.open(app.authorizePath({ prompt: 'none', scope: 'openid' }).path)).leftTo?.searchParams.has(
          'code',
        ),
      )
    }
    const hinted = {
      id_token_hint: String(tokens.body['id_token']),
      post_logout_redirect_uri: afterwards,
      state: 's&x=y',
    }
    const { leftTo } = await browser.open(logoutPath(hinted))
    assert.equal(leftTo?.href, `${afterwards}?state=s%26x%3Dy`)
    const silent = await browser.open(app.authorizePath({ prompt: 'none', scope: 'openid' }).path)
    assert.equal(silent.leftTo?.searchParams.get('error'), 'login_required')
    assert.equal((await app.refresh(tokens.refreshToken)).status, 400)
    await stage.close()
  })

  it('MX-01 puts one iss on every answer, success and error, in either mode, and says so in the metadata', async () => {
    const { stage, app } = await opened()
    const browser = stage.browser()
    const { parameters } = await app.authorize(browser)
    assert.deepEqual(parameters.getAll('iss'), [stage.issuer])
    for (const [fields] of errors) {
      const { leftTo } = await stage.browser().open(app.authorizePath(fields).path)
      assert.deepEqual(leftTo?.searchParams.getAll('iss'), [stage.issuer])
    }
    const page = await browser.open(app.authorizePath({ prompt: 'none', response_mode: 'form_post' }).path)
    assert.equal(page.body.split('name="iss"').length, 2)
    assert.ok(page.body.includes(`name="iss" value="${stage.issuer}"`))
    const denied = await browser.decide(await browser.open(app.authorizePath({ prompt: 'consent' }).path), 'deny')
    assert.deepEqual(denied.leftTo?.searchParams.getAll('iss'), [stage.issuer])
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
      const metadata = (await (await stage.send(path)).json()) as { readonly [name: string]: unknown }
      assert.equal(metadata['authorization_response_iss_parameter_supported'], true)
      assert.equal(metadata['issuer'], stage.issuer)
    }
    await stage.close()
  })
})

/** Requests that are wrong in one thing each, with the code that says so. */
const errors = [
  [{ prompt: 'none' }, 'login_required'],
  [{ scope: 'openid admin' }, 'invalid_scope'],
  [{ scope: 'openid  email' }, 'invalid_scope'],
  [{ response_type: 'token' }, 'unsupported_response_type'],
  [{ response_type: undefined }, 'invalid_request'],
  [{ response_mode: 'fragment' }, 'invalid_request'],
  [{ code_challenge: undefined }, 'invalid_request'],
  [{ prompt: 'none login' }, 'invalid_request'],
  [{ max_age: '-1' }, 'invalid_request'],
  [{ resource: 'api' }, 'invalid_target'],
  [{ request_uri: 'https://a.example/r' }, 'request_uri_not_supported'],
  [{ registration: '{}' }, 'registration_not_supported'],
  [{ claims: '[]' }, 'invalid_request'],
  [{ id_token_hint: 'x' }, 'invalid_request'],
] as const

async function opened(
  registration: { readonly kind?: string; readonly [name: string]: unknown } = {},
): Promise<{ readonly stage: Stage; readonly app: App }> {
  const stage = await openStage()
  await stage.addUser()
  const client = {
    id: 'shop',
    kind: 'web',
    redirectUris: [registered],
    postLogoutRedirectUris: [afterwards],
    ...registration,
  }
  return { stage, app: stage.app(await stage.addClient(client)) }
}

/** Before and after sign-in, for a good request and for a bad one. */
async function eachStaysHere(uris: readonly string[]): Promise<void> {
  const { stage, app } = await opened()
  const signedIn = stage.browser()
  await app.signIn(signedIn)
  for (const uri of uris) {
    for (const browser of [signedIn, stage.browser()]) {
      await staysHere(browser, app, { redirect_uri: uri })
      await staysHere(browser, app, { redirect_uri: uri, prompt: 'none', response_mode: 'form_post' })
      await staysHere(browser, app, { redirect_uri: uri, response_type: 'token' })
    }
  }
  await stage.close()
}

async function staysHere(
  browser: Browser,
  app: App,
  fields: { readonly [name: string]: string | undefined },
): Promise<void> {
  const answer = await browser.send(app.authorizePath(fields).path)
  const body = await answer.text()
  const sent = JSON.stringify(fields)
  assert.equal(answer.status, 400, sent)
  assert.equal(answer.headers.has('location'), false, sent)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html/)
  assert.equal(answer.headers.get('x-frame-options'), 'DENY')
  assert.equal(/<(?:form|a|meta http-equiv)\b/.test(body), false, 'nothing to post, to follow or to wait for')
}

function logoutPath(fields: { readonly [name: string]: string }): string {
  return `/logout?${new URLSearchParams(fields).toString()}`
}
