import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FlakyServer, type FlakyServerOptions, flakyServer } from './flaky-server.ts'
import { crashMs, retryAfterSeconds, slowAnswerMs } from './flaky-network.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

interface Ground {
  readonly clock: VirtualClock
  readonly server: FlakyServer
}

function ground(options: Omit<FlakyServerOptions, 'clock'> = {}): Ground {
  const clock = virtualClock()
  return { clock, server: flakyServer({ clock, ...options }) }
}

function refresh(server: FlakyServer, token: string, headers: Record<string, string> = {}): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: 'app' })
  return server.fetch(`${server.issuer}/token`, { method: 'POST', headers, body })
}

async function bodyOf(answer: Response): Promise<Record<string, unknown>> {
  return (await answer.json()) as Record<string, unknown>
}

const key = (letter: string): Record<string, string> => ({ 'idempotency-key': `"rk1.${letter.repeat(43)}"` })

describe('flakyServer, its policies', () => {
  it('redeems a code once, for who has the verifier, and sends it back with state and issuer', async () => {
    const { server } = ground()
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('verifier'))
    const asked = new URL(`${server.issuer}/authorize?client_id=app&state=s1&redirect_uri=https://app.example/cb`)
    asked.searchParams.set('code_challenge', Buffer.from(digest).toString('base64url'))
    const back = new URL(server.approve(asked.href))
    assert.equal(back.searchParams.get('state'), 's1')
    assert.equal(back.searchParams.get('iss'), server.issuer)
    const redeem = (verifier: string): Promise<Response> =>
      server.fetch(`${server.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: back.searchParams.get('code') ?? '',
          code_verifier: verifier,
          redirect_uri: 'https://app.example/cb',
          client_id: 'app',
        }),
      })
    assert.equal((await redeem('another')).status, 400)
    assert.equal((await redeem('verifier')).status, 200)
    assert.equal((await redeem('verifier')).status, 400)
    assert.equal(server.families().length, 1)
  })

  it('no-rotation keeps one token, and leaves it out of the answer', async () => {
    const { server } = ground({ policy: 'no-rotation' })
    const token = server.signIn().refresh_token ?? ''
    for (const _ of [1, 2]) {
      const answer = await bodyOf(await refresh(server, token))
      assert.equal(answer['refresh_token'], undefined)
      assert.equal(typeof answer['access_token'], 'string')
    }
    assert.ok(server.isCurrent(token))
  })

  it('reuse-revokes ends the family when the predecessor comes again; rotation only refuses it', async () => {
    for (const [policy, isAlive] of [
      ['reuse-revokes', false],
      ['rotation', true],
    ] as const) {
      const { server } = ground({ policy })
      const token = server.signIn().refresh_token ?? ''
      assert.equal((await refresh(server, token)).status, 200)
      assert.equal((await refresh(server, token)).status, 400)
      assert.equal(server.families()[0]?.isAlive, isAlive)
    }
  })

  it('grace answers the predecessor the same again for a minute, and not a millisecond longer', async () => {
    const { clock, server } = ground({ policy: 'grace' })
    const token = server.signIn().refresh_token ?? ''
    const first = await bodyOf(await refresh(server, token))
    await clock.advance(59_999)
    assert.equal((await bodyOf(await refresh(server, token)))['refresh_token'], first['refresh_token'])
    await clock.advance(1)
    assert.equal((await refresh(server, token)).status, 400)
  })

  it('retry-keys repeats for the same key at any time, refuses without one, and ends with another', async () => {
    const { clock, server } = ground({ policy: 'retry-keys' })
    const token = server.signIn({ isKeyed: true }).refresh_token ?? ''
    assert.equal((await refresh(server, token)).status, 400)
    const first = await bodyOf(await refresh(server, token, key('a')))
    await clock.advance(8 * 3_600_000)
    const again = await bodyOf(await refresh(server, token, key('a')))
    assert.equal(again['refresh_token'], first['refresh_token'])
    assert.equal((await refresh(server, token, key('b'))).status, 400)
    assert.equal(server.families()[0]?.end, 'reuse')
  })

  it('confidential asks for the secret, and then repeats', async () => {
    const { server } = ground({ policy: 'confidential', clients: { app: 'a secret' } })
    const token = server.signIn().refresh_token ?? ''
    assert.equal((await refresh(server, token)).status, 401)
    const basic = { authorization: `Basic ${btoa('app:a%20secret')}` }
    const first = await bodyOf(await refresh(server, token, basic))
    assert.equal((await bodyOf(await refresh(server, token, basic)))['refresh_token'], first['refresh_token'])
  })

  it('dpop binds to the key of the sign-in, and a token without a proof is refused', async () => {
    const { server } = ground({ policy: 'dpop' })
    const token = server.signIn({ keyThumbprint: 'somebody' }).refresh_token ?? ''
    assert.equal((await refresh(server, token)).status, 400)
    assert.equal((await refresh(server, token, { dpop: 'a.b.c' })).status, 400)
    assert.equal(server.families()[0]?.isAlive, true)
  })

  it('ends a family by revocation, with every access token of it', async () => {
    const { server } = ground()
    const tokens = server.signIn()
    const api = (): Promise<Response> =>
      server.fetch(server.api, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    assert.equal((await api()).status, 200)
    const body = new URLSearchParams({ token: tokens.refresh_token ?? '', client_id: 'app' })
    await server.fetch(`${server.issuer}/revoke`, { method: 'POST', body })
    assert.equal((await api()).status, 401)
    assert.equal(server.families()[0]?.end, 'revoked')
  })

  it('catches a thief of a token at the next refresh of its owner', async () => {
    const { server } = ground({ policy: 'reuse-revokes' })
    const token = server.signIn().refresh_token ?? ''
    const thief = server.thief()
    assert.equal(thief.steal(), 'robbed')
    assert.equal(thief.isIn(), true)
    assert.equal((await refresh(server, token)).status, 400)
    assert.equal(thief.isIn(), false)
    assert.equal(thief.steal(), 'refused')
  })
})

describe('flakyServer, its faults', () => {
  it('lose-request leaves the token as it was; lose-response and crash-after-rotate have spent it', async () => {
    for (const [fault, isSpent] of [
      ['lose-request', false],
      ['lose-response', true],
      ['crash-after-rotate', true],
    ] as const) {
      const { server } = ground()
      const token = server.signIn().refresh_token ?? ''
      server.fault(fault)
      await assert.rejects(refresh(server, token), TypeError)
      assert.equal(server.isCurrent(token), !isSpent)
      assert.equal(server.refreshes(), 1)
    }
  })

  it('crash-after-rotate refuses connections for a while', async () => {
    const { clock, server } = ground({ policy: 'grace' })
    const token = server.signIn().refresh_token ?? ''
    server.fault('crash-after-rotate')
    await assert.rejects(refresh(server, token), TypeError)
    await assert.rejects(refresh(server, token), TypeError)
    await clock.advance(crashMs)
    assert.equal((await refresh(server, token)).status, 200)
  })

  it('slow answers late, hang never does, and both end at once for who gives up', async () => {
    const { clock, server } = ground()
    const token = server.signIn().refresh_token ?? ''
    server.fault('slow')
    const beganMs = clock.nowMs()
    const answer = await clock.run(refresh(server, token))
    assert.equal(clock.nowMs() - beganMs, slowAnswerMs)
    server.fault('hang')
    const giveUp = new AbortController()
    const asked = server.fetch(`${server.issuer}/token`, { method: 'POST', signal: giveUp.signal })
    giveUp.abort(new RangeError('too late'))
    await assert.rejects(asked, RangeError)
    assert.equal(answer.status, 200)
  })

  it('503 and 429 do no work, and say when to come again if their name says so', async () => {
    for (const [fault, status, retryAfter] of [
      ['503', 503, null],
      ['503-retry-after', 503, String(retryAfterSeconds)],
      ['429', 429, String(retryAfterSeconds)],
    ] as const) {
      const { server } = ground()
      const token = server.signIn().refresh_token ?? ''
      server.fault(fault)
      const answer = await refresh(server, token)
      assert.equal(answer.status, status)
      assert.equal(answer.headers.get('retry-after'), retryAfter)
      assert.ok(server.isCurrent(token))
    }
  })

  it('changes an answer as its name says', async () => {
    const { clock, server } = ground({ policy: 'grace' })
    const token = server.signIn().refresh_token ?? ''
    server.fault('html-instead-of-json')
    assert.match(await (await refresh(server, token)).text(), /^<!doctype html>/)
    assert.ok(server.isCurrent(token))
    server.fault('no-refresh-token')
    assert.equal((await bodyOf(await refresh(server, token)))['refresh_token'], undefined)
    server.fault('broken-json')
    await assert.rejects((await refresh(server, token)).json(), SyntaxError)
    server.fault('date-skew')
    const date = (await refresh(server, token)).headers.get('date') ?? ''
    assert.equal(Date.parse(date), Math.floor(clock.nowMs() / 1000) * 1000 + 600_000)
    server.fault('wrong-issuer', { to: 'metadata' })
    const metadata = await server.fetch(`${server.issuer}/.well-known/openid-configuration`, {})
    assert.notEqual((await bodyOf(metadata))['issuer'], server.issuer)
  })

  it('remembers what was asked and how it ended, and no secret', async () => {
    const { server } = ground({ policy: 'retry-keys' })
    const token = server.signIn({ isKeyed: true }).refresh_token ?? ''
    server.fault('lose-response')
    await assert.rejects(refresh(server, token, key('a')))
    const [request] = server.requests
    assert.equal(request?.grantType, 'refresh_token')
    assert.equal(request?.status, 200)
    assert.equal(request?.fault, 'lose-response')
    assert.equal(request?.hasRetryKey, true)
    assert.doesNotMatch(JSON.stringify(server.requests), new RegExp(`${token}|aaaa`))
  })
})
