/**
 * The sign-in helpers of `@pawl/client` at a server that is not Pawl and knows no retry keys: `oidc-provider`, with its own
 * pages for trying things out.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { Provider } from 'oidc-provider'
import { custodyKeyFrom } from '../../packages/client/src/custody/custody-key.ts'
import { holdGrants } from '../../packages/client/src/holder/hold-grants.ts'
import { type HolderClock, machineClock } from '../../packages/client/src/holder/clock.ts'
import type { Custody, Holder } from '../../packages/client/src/holder/holder.ts'
import { signInWithDevice } from '../../packages/client/src/sign-in/device.ts'
import { signInAtLoopback } from '../../packages/client/src/sign-in/loopback.ts'
import { signInRequestSeconds } from '../../packages/client/src/sign-in/token-request.ts'
import { memoryStore } from '../../packages/client/src/stores/memory.ts'
import { unescapeHtml } from '../stage/browser.ts'
import { openLifetime } from '../stage/lifetime.ts'
import { refusal } from './sign-in-outcomes.ts'

const redirectUri = 'http://127.0.0.1/callback'
const configuration = {
  clients: [
    {
      client_id: 'tool',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
  ],
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    revocation: { enabled: true },
  },
}

const life = openLifetime()
let issuer = ''
before(async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  life.after(() => {
    server.close()
    server.closeAllConnections()
  })
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', new Provider(issuer, configuration).callback())
})
after(() => life.end())

async function opened(test: TestContext): Promise<{ readonly custody: Custody; readonly holder: Holder }> {
  const custodyKey = await custodyKeyFrom(new Uint8Array(32).fill(9))
  const custody = { server: issuer, client: { client_id: 'tool' }, store: memoryStore(), custodyKey }
  const holder = holdGrants(custody)
  test.after(() => holder.close())
  return { custody, holder }
}

const scope = 'openid offline_access'

describe('a sign-in at another server', () => {
  for (const useDpop of [false, true]) {
    it(`through a loopback address is kept, refreshed and ended, ${useDpop ? 'with' : 'without'} a key`, async test => {
      const { custody, holder } = await opened(test)
      const pages = person()
      const shown: string[] = []
      const fresh = await signInAtLoopback(custody, {
        scope,
        redirectUri,
        useDpop,
        prompt: 'consent',
        show: url => shown.push(url),
        open: async url => {
          assert.match(await pages.walk(url), /You are signed in/)
        },
      })
      assert.match(shown[0] ?? '', /request_uri=/, 'it was pushed')
      assert.equal(fresh.claims?.iss, issuer)
      assert.equal(fresh.tokens.token_type, useDpop ? 'dpop' : 'bearer')
      await holder.keep('ada', fresh)
      assert.equal((await holder.refresh('ada')).generation, 2)
      assert.equal((await holder.refresh('ada')).generation, 3)
      const me = await holder.fetchAs('ada', { origins: [issuer] })(`${issuer}/me`)
      assert.deepEqual(await me.json(), { sub: fresh.subject })
      assert.equal(await holder.end('ada'), 'revoked')
    })
  }

  it('on a device is kept and refreshed', async test => {
    const { custody, holder } = await opened(test)
    const pages = person()
    const fresh = await signInWithDevice(
      { ...custody, clock: impatient },
      {
        scope,
        show: async ({ verificationUriComplete }) => {
          assert.match(await pages.walk(verificationUriComplete ?? ''), /Sign-in Success/)
        },
      },
    )
    await holder.keep('ada', fresh)
    assert.equal((await holder.refresh('ada')).generation, 2)
  })

  it('says what the person or the request came to', async test => {
    const { custody } = await opened(test)
    const pages = person()
    const wishes = { redirectUri, show: () => undefined }
    const silent = signInAtLoopback(custody, {
      ...wishes,
      scope,
      prompt: 'none',
      open: async url => void (await pages.walk(url)),
    })
    await assert.rejects(silent, refusal('authorization', 'login_required'))
    const wrong = signInAtLoopback(custody, { ...wishes, scope: 'openid', resource: 'https://api.example/' })
    await assert.rejects(wrong, refusal('request', 'invalid_target'))
  })
})

/** Waits for no interval, and for an answer as long as anybody. */
const impatient: HolderClock = {
  nowMs: machineClock.nowMs,
  wait: (ms, signal) => machineClock.wait(ms >= signInRequestSeconds * 1000 ? ms : 0, signal),
}

interface Person {
  /** Opens the address, and fills in every form until there is none; answers the last page. */
  readonly walk: (url: string) => Promise<string>
}

const stepsMax = 20

/** A browser without a screen, at whatever server the forms and redirects lead to. */
function person(): Person {
  const jar = new Map<string, string>()
  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { ...init.headers, cookie } })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      jar.set(name, value)
    }
    return response
  }
  const walk = async (url: string): Promise<string> => {
    let at = url
    let response = await send(at)
    for (let step = 0; step < stepsMax; step++) {
      const location = response.headers.get('location')
      const html = location === null ? await response.text() : ''
      const form = location === null ? formIn(html) : null
      if (location === null && form === null) return html
      at = new URL(location ?? form?.action ?? '', at).href
      response = await send(at, form === null ? {} : { method: 'POST', body: form.fields })
    }
    throw new Error(`more than ${stepsMax} steps`)
  }
  return { walk }
}

/** The first form that is posted, filled in by somebody who agrees to everything. */
function formIn(html: string): { readonly action: string; readonly fields: URLSearchParams } | null {
  const [, attributes = '', inside = ''] = /<form([^>]*method="post"[^>]*)>([^]*?)<\/form>/.exec(html) ?? []
  const action = /action="([^"]*)"/.exec(attributes)?.[1]
  if (action === undefined) return null
  const fields = new URLSearchParams()
  for (const [input] of inside.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1]
    const value = /value="([^"]*)"/.exec(input)?.[1] ?? 'ada'
    if (name !== undefined) fields.set(name, unescapeHtml(value))
  }
  return { action: unescapeHtml(action), fields }
}
