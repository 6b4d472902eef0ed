/**
 * The worst texts for whatever reads them. Readers are held against themselves, with a text sixteen times as long, and
 * whole requests against the same request with a harmless text of the same length.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSameRedirectUri, judgeRedirectUri } from '../../packages/protocol/src/redirect-uri.ts'
import { emailKey } from '../../packages/server/src/domain/user/email-key.ts'
import { parseCookies } from '../../packages/server/src/http/cookies.ts'
import { parseParameters } from '../../packages/server/src/http/form.ts'
import { clientAddress, trustedProxies } from '../../packages/server/src/http/forwarded.ts'
import { html, render } from '../../packages/server/src/http/pages/html.ts'
import { OAuthError } from '../../packages/server/src/oauth/oauth-error.ts'
import { basic } from '../stage/app.ts'
import { formOf } from '../stage/browser.ts'
import { assertCostsAtMost, assertLinear } from '../stage/cost.ts'
import { assertUnchanged, openFamilyOf, openScene, type Scene, shop } from '../stage/scene.ts'

const form = 'application/x-www-form-urlencoded'
const million = 1_000_000
const bodyCharactersMax = 65_536

interface Reader {
  readonly read: (text: string) => unknown
  readonly charactersMax: number
  /** What is repeated, between what comes first and what comes last. */
  readonly worst: readonly (string | { readonly first: string; readonly again: string; readonly last?: string })[]
}

const proxies = trustedProxies(['10.0.0.0/8'])

const readers: { readonly [name: string]: Reader } = {
  'a form': {
    read: text => {
      try {
        return parseParameters(text)
      } catch (error) {
        assert.ok(error instanceof OAuthError)
        return null
      }
    },
    charactersMax: bodyCharactersMax,
    worst: ['a', '%', '+', '&', '=', 'é', 'a=&', '%41', { first: '%41', again: '+' }],
  },
  cookies: { read: parseCookies, charactersMax: bodyCharactersMax, worst: ['a', ';', '=', 'a=b;', ' ', '"', 'a=;b='] },
  'forwarded addresses': {
    read: text => [
      clientAddress('10.0.0.1', { 'x-forwarded-for': text }, proxies),
      clientAddress('10.0.0.1', { forwarded: text }, proxies),
    ],
    charactersMax: bodyCharactersMax,
    worst: ['[::1,', 'for=";', ',', ' ', ';', '[', 'for=10.0.0.1,', '"', '10.0.0.1,'],
  },
  'an e-mail address': {
    read: emailKey,
    charactersMax: million,
    worst: ['a', '@', '.', 'a@', '\u0301', '\ufdfa', '\ud800', ' '],
  },
  'a redirect URI': {
    read: text => [isSameRedirectUri('http://127.0.0.1/cb', text), judgeRedirectUri(text, 'native')],
    charactersMax: million,
    worst: [
      '/',
      { first: 'http://127.0.0.1', again: '/:1' },
      { first: 'http://127.0.0.1:', again: '1' },
      { first: 'http://127.0.0.1/', again: 'a', last: '\n' },
      { first: 'http://', again: '127.0.0.1:' },
      { first: 'https://', again: 'a.', last: '@' },
    ],
  },
  'text that becomes markup': { read: text => render(html`${text}`), charactersMax: million, worst: ['<', '&', 'a'] },
}

function textOf(worst: Reader['worst'][number], characters: number): string {
  const { first = '', again, last = '' } = typeof worst === 'string' ? { again: worst } : worst
  return first + again.repeat(Math.floor(characters / again.length)) + last
}

describe('the worst text', () => {
  for (const [name, { read, charactersMax, worst }] of Object.entries(readers)) {
    it(`DS-13 for ${name} is read in linear time`, async () => {
      for (const each of worst) {
        const about = `${name} of ${JSON.stringify(each)}`
        await assertLinear(about, charactersMax, characters => textOf(each, characters), read)
      }
    })
  }

  it('DS-13 would be seen if its reader took time that grows with the square', async () => {
    const square = assertLinear(
      'a pattern',
      4_000,
      characters => 'a'.repeat(characters),
      text => /a*b/.test(text),
    )
    await assert.rejects(square, assert.AssertionError)
  })
})

/**
 * Eight thousand steps are what any request of that length takes; their square, sixty-four million, is a hundred times
 * what the whole request costs.
 */
const requestTimesMax = 16

const headerNames = [
  'accept-language',
  'user-agent',
  'authorization',
  'cookie',
  'origin',
  'idempotency-key',
  'forwarded',
  'dpop',
]

/** A way to send a text to the server. */
type Sending = (text: string) => Promise<unknown>

async function sendingsOf(scene: Scene, refreshToken: string): Promise<{ readonly [about: string]: Sending }> {
  const { app, stage, registered } = scene
  // Of nobody: whoever is signed in gets a grant for each of these, and an older one ends for it.
  const browser = stage.browser()
  const authorization = basic(registered.client.id, registered.secret ?? '')
  const post = async (path: string, body: string, headers: { readonly [name: string]: string }): Promise<void> => {
    const init = { method: 'POST', headers: { ...headers, 'content-type': form }, body }
    await (await stage.send(path, init)).arrayBuffer()
  }
  const inForm =
    (name: string): Sending =>
    text => {
      const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, [name]: text }
      return post('/token', new URLSearchParams(fields).toString(), { authorization })
    }
  const inQuery =
    (name: string): Sending =>
    text =>
      browser.send(app.authorizePath({ [name]: text.slice(0, 3000) }).path)
  const page = await browser.open(app.authorizePath({ prompt: 'login' }).path)
  const asUsername: Sending = text => {
    const { action, body } = formOf(page, { username: text, password: 'x' })
    return browser.send(action, { method: 'POST', headers: { 'content-type': form }, body })
  }
  const inHeaders: Sending = text => {
    const sendable = text.replaceAll(/[^\t -~]/g, 'x')
    return post('/token', 'grant_type=x', Object.fromEntries(headerNames.map(name => [name, sendable])))
  }
  const formNames = ['scope', 'resource', 'client_id']
  const queryNames = ['redirect_uri', 'scope', 'resource', 'claims', 'prompt', 'ui_locales', 'id_token_hint']
  return {
    ...Object.fromEntries(formNames.map(name => [`the parameter ${name}`, inForm(name)])),
    ...Object.fromEntries(queryNames.map(name => [`${name} of an authorization request`, inQuery(name)])),
    'the username': asUsername,
    'the headers': inHeaders,
  }
}

const harmless = 'x'.repeat(8000)

describe('a request', () => {
  it('DS-13 with the worst text for every pattern costs what a harmless one of its length does', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    scene.stage.clock.advanceSeconds(1)
    const pieces = 'a % + . @ / \\ - : " ; = , é a@ /../'.split(' ')
    const worst = [...pieces, ' ', ': ', '\t'].map(text => text.repeat(Math.floor(8000 / Buffer.byteLength(text))))
    for (const [name, send] of Object.entries(await sendingsOf(scene, first.refreshToken))) {
      for (const text of worst) {
        const about = `${name} of ${JSON.stringify(text.slice(0, 4))}`
        await assertCostsAtMost(requestTimesMax, { about, work: () => send(text), measure: () => send(harmless) })
      }
    }
    await assertUnchanged(scene.app, first)
  })

  it('DS-03 with a scope of as many words as fit is answered 400, for the price of a scope of one', async test => {
    const scene = await openScene(test, { client: shop })
    const { first } = await openFamilyOf(scene)
    const { app, browser } = scene
    const refresh = (scope: string) => app.refresh(first.refreshToken, { scope })
    const distinct = Array.from({ length: 1600 }, (_, index) => index.toString(36)).join(' ')
    for (const scope of ['a '.repeat(4000), distinct, 'a'.repeat(8000), ' '.repeat(8000)]) {
      assert.equal((await refresh(scope)).status, 400)
      const about = `a scope of ${JSON.stringify(scope.slice(0, 4))}`
      const measure = () => refresh('a')
      await assertCostsAtMost(requestTimesMax, { about, work: () => refresh(scope), measure })
      const asked = await browser.open(app.authorizePath({ scope: scope.slice(0, 5000), prompt: 'none' }).path)
      assert.ok(asked.status === 400 || asked.leftTo?.searchParams.get('error') === 'invalid_scope')
    }
    const whole = await app.post('/token', { grant_type: 'refresh_token', scope: 'a '.repeat(100_000) })
    assert.equal(whole.status, 413)
    await assertUnchanged(app, first)
  })
})
