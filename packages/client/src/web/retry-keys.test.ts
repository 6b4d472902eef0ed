import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRetryKey } from '@pawl/protocol'
import type { CustomFetch } from 'openid-client'
import { custodyKeyFrom } from '../custody/custody-key.ts'
import { fetchWithRetryKeys, type SentWith } from './retry-keys.ts'

const endpoint = 'https://idp.example/token'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const refreshTokenType = 'urn:ietf:params:oauth:token-type:refresh_token'

describe('a fetch with retry keys', () => {
  it('adds the key of the credential that a token request presents', async () => {
    const requests = [
      { grant_type: 'authorization_code', code: 'credential', code_verifier: 'v' },
      { grant_type: 'refresh_token', refresh_token: 'credential' },
      { grant_type: deviceCode, device_code: 'credential' },
      { grant_type: exchange, subject_token: 'credential', subject_token_type: refreshTokenType },
    ]
    const expected = `rk1.${await (await key()).retryKeyFor('credential')}`
    for (const parameters of requests) {
      const { retryKey } = await sentBy({ method: 'POST', body: new URLSearchParams(parameters) })
      assert.equal(retryKey, expected, parameters.grant_type)
    }
  })

  it('adds it whatever the body is made of, and leaves the body as it was', async () => {
    const text = 'grant_type=refresh_token&refresh_token=credential'
    const bytes = new TextEncoder().encode(text)
    for (const body of [text, bytes, bytes.buffer, new URLSearchParams(text)]) {
      const sent = await sentBy({ method: 'post', headers: form, body })
      assert.notEqual(sent.retryKey, null)
      assert.equal(sent.init.body, body)
    }
  })

  it('reads a copy of a Request, whose own body and headers still go out', async () => {
    const body = 'grant_type=refresh_token&refresh_token=credential'
    const request = new Request(endpoint, { method: 'POST', headers: { ...form, authorization: 'Basic x' }, body })
    const { input, init, retryKey } = await sentBy(undefined, request)
    assert.notEqual(retryKey, null)
    assert.ok(input instanceof Request)
    const outgoing = new Request(input, init)
    assert.deepEqual([outgoing.headers.get('authorization'), await outgoing.text()], ['Basic x', body])
  })

  it('makes two holders of one custody key ask alike, and others not', async () => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'credential' })
    const [one, again] = [await sentBy({ method: 'POST', body }), await sentBy({ method: 'POST', body })]
    const next = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'another' })
    assert.equal(one.retryKey, again.retryKey)
    assert.notEqual((await sentBy({ method: 'POST', body: next })).retryKey, one.retryKey)
    assert.notEqual((await sentBy({ method: 'POST', body }, endpoint, 8)).retryKey, one.retryKey)
  })

  it('adds it to nothing else', async () => {
    const refresh = 'grant_type=refresh_token&refresh_token=credential'
    const others: readonly SentWith[] = [
      {},
      { method: 'GET', headers: form },
      { method: 'POST' },
      { method: 'POST', body: null },
      { method: 'POST', body: new URLSearchParams({ token: 'credential', token_type_hint: 'refresh_token' }) },
      { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', refresh_token: 'x' }) },
      { method: 'POST', body: new URLSearchParams({ grant_type: 'toString', code: 'x' }) },
      { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token' }) },
      { method: 'POST', body: new URLSearchParams({ grant_type: exchange, subject_token: 'an access token' }) },
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: refresh },
      { method: 'POST', body: refresh },
      { method: 'PUT', headers: form, body: refresh },
      { method: 'POST', headers: form, body: new Blob([refresh]) },
      { method: 'POST', headers: form, body: new Blob([refresh]).stream() },
    ]
    for (const [place, init] of others.entries()) {
      const sent = await sentBy(init)
      assert.equal(sent.retryKey, null, `the request in place ${place}`)
      assert.equal(sent.init, init)
    }
  })

  it('leaves a key that is there already', async () => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'credential' })
    const { init } = await sentBy({ method: 'POST', headers: { 'Idempotency-Key': '"mine"' }, body })
    assert.equal(new Headers(init.headers).get('idempotency-key'), '"mine"')
  })

  it('keeps the headers and the answer, and rejects as the fetch below it does', async () => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'credential' })
    const { init } = await sentBy({ method: 'POST', headers: { accept: 'application/json', dpop: 'proof' }, body })
    const headers = new Headers(init.headers)
    assert.deepEqual([headers.get('accept'), headers.get('dpop')], ['application/json', 'proof'])
    const away = fetchWithRetryKeys(await key(), () => Promise.reject(new TypeError('away')))
    await assert.rejects(away(endpoint, { method: 'POST', body }), { message: 'away' })
  })

  it('is a custom fetch of openid-client as it stands', async () => {
    const custom: CustomFetch = fetchWithRetryKeys(await key(), async () => new Response('answer'))
    const sent = { method: 'POST', headers: {}, redirect: 'manual' as const, body: null }
    assert.equal(await (await custom(endpoint, sent)).text(), 'answer')
  })
})

interface Sent {
  readonly input: string | URL | Request
  readonly init: RequestInit
  readonly retryKey: string | null
}

/** What goes out when this is asked for. */
async function sentBy(init?: SentWith, input: string | Request = endpoint, secret = 7): Promise<Sent> {
  let sent: Sent | null = null
  const asking = fetchWithRetryKeys(await key(secret), async (target, outgoing) => {
    const header = new Headers(outgoing.headers).get('idempotency-key') ?? undefined
    sent = { input: target, init: outgoing, retryKey: parseRetryKey(header) }
    return new Response()
  })
  await asking(input, init)
  assert.ok(sent !== null)
  return sent
}

function key(secret = 7): ReturnType<typeof custodyKeyFrom> {
  return custodyKeyFrom(new Uint8Array(32).fill(secret))
}
