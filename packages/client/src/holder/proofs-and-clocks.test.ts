import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { skewMs } from '../testing/flaky-network.ts'
import { generateDpopKey } from './dpop-key.ts'
import { accessSeconds, expiredGround, grant, ground, outcomeOf } from './ground.test.ts'

async function thumbprint({ publicKey }: CryptoKeyPair): Promise<string> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const text = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }))
  return Buffer.from(await crypto.subtle.digest('SHA-256', text)).toString('base64url')
}

describe('a grant that is bound to a key', () => {
  it('is refreshed with a proof, by every process that shares the store', async () => {
    for (const keepsKeys of [true, false]) {
      const { clock, server, store, holder } = ground('dpop-nonce', memory => ({ ...memory, keepsKeys }))
      const held = holder()
      const dpopKey = await generateDpopKey(store)
      assert.equal(dpopKey.privateKey.extractable, !keepsKeys)
      const tokens = server.signIn({ keyThumbprint: await thumbprint(dpopKey) })
      await clock.run(held.keep(grant, { tokens, dpopKey }))
      await clock.advance(accessSeconds * 1000)
      assert.equal(await outcomeOf(clock.run(holder().accessToken(grant))), 'ok')
      assert.equal((await clock.run(held.accessToken(grant))).type, 'DPoP')
      assert.equal(server.refreshes(), 2, 'the first one brought the nonce')
      assert.ok(server.requests.filter(({ to }) => to === 'token').every(({ hasProof }) => hasProof))
    }
  })

  it('is not kept in a store that cannot have its key', async () => {
    const { clock, server, holder } = ground('dpop', memory => ({ ...memory, keepsKeys: false }))
    const dpopKey = await generateDpopKey({ keepsKeys: true })
    const kept = holder().keep(grant, { tokens: server.signIn(), dpopKey })
    assert.equal(await outcomeOf(clock.run(kept)), 'CustodyFailed')
  })

  it('makes a new proof for each attempt', async () => {
    const { clock, server, store, holder } = ground('dpop')
    const held = holder()
    const dpopKey = await generateDpopKey(store)
    await clock.run(held.keep(grant, { tokens: server.signIn({ keyThumbprint: await thumbprint(dpopKey) }), dpopKey }))
    await clock.advance(accessSeconds * 1000)
    server.fault('lose-response')
    assert.equal(await outcomeOf(clock.run(held.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 2)
  })
})

describe('a clock that is wrong', () => {
  it('is put right by the server’s Date', async () => {
    const { clock, server, first } = await expiredGround()
    server.fault('date-skew')
    const { expiresAtMs } = await clock.run(first.accessToken(grant))
    assert.ok(Math.abs(expiresAtMs - clock.nowMs() - accessSeconds * 1000) < 1000, 'by the clock of this machine')
    const view = await clock.run(first.look(grant))
    assert.ok(Math.abs((view?.refreshedAtMs ?? 0) - clock.nowMs() - skewMs) < 2000, 'kept by the clock of the server')
    await clock.advance(accessSeconds * 500)
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
    assert.equal(server.refreshes(), 1)
  })
})

describe('a process that begins with a wrong clock', () => {
  it('believes what is written in the record', async () => {
    const { clock, server, first, holder } = await expiredGround()
    const isAhead = { nowMs: () => clock.nowMs() + 900_000, wait: clock.wait }
    assert.equal(await outcomeOf(clock.run(holder({ clock: isAhead }).accessToken(grant))), 'ok')
    for (const _ of [1, 2, 3]) {
      assert.equal(await outcomeOf(clock.run(holder({ clock: isAhead }).accessToken(grant))), 'ok')
    }
    assert.equal(server.refreshes(), 1)
    assert.equal(await outcomeOf(clock.run(first.look(grant))), 'ok')
  })
})

describe('a clock that was put back', () => {
  it('does not make an old look at the store a recent one', async () => {
    const { clock, first, holder } = await expiredGround()
    const back = { ms: 0 }
    const other = holder({ clock: { nowMs: () => clock.nowMs() - back.ms, wait: clock.wait } })
    await clock.run(other.look(grant))
    back.ms = 3_600_000
    await clock.run(first.end(grant))
    assert.equal(await outcomeOf(clock.run(other.accessToken(grant))), 'SignInNeeded')
  })
})

describe('an exchange', () => {
  it('advances the grant once what is new was taken', async () => {
    const { clock, server, first, holder } = await expiredGround()
    const fetch = holder // the server of this ground has no exchange: one is put before it
    const taken: unknown[] = []
    const held = fetch({
      fetch: async (url, init) => {
        const body = new URLSearchParams(init.body as URLSearchParams)
        if (body.get('grant_type') !== 'urn:branch') return server.fetch(url, init)
        body.set('grant_type', 'refresh_token')
        body.set('refresh_token', body.get('subject_token') ?? '')
        const answer = await server.fetch(url, { ...init, body })
        const tokens = (await answer.json()) as object
        return Response.json({ ...tokens, access_token: 'branch', token_type: 'N_A' }, { status: answer.status })
      },
    })
    const ask = (take: () => Promise<void>) =>
      clock.run(held.exchange(grant, { grantType: 'urn:branch', parameters: { branch_name: 'one' } }, take))
    await assert.rejects(
      ask(() => Promise.reject(new Error('no room'))),
      /no room/,
    )
    const view = await ask(async () => void taken.push('branch'))
    assert.equal(view.generation, 2)
    assert.deepEqual(taken, ['branch'])
    assert.equal(server.families()[0]?.generation, 2, 'the second is the first one again')
    assert.equal(await outcomeOf(clock.run(first.accessToken(grant))), 'ok')
  })
})
