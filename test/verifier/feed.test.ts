/** An API that follows the feed of real server processes: whatever ends a token, it refuses without asking about it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ApiGuard, clientSecret, guardApi } from '@pawl/verifier'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../../packages/server/src/admin/revoke.ts'
import { disableUser } from '../../packages/server/src/admin/users.ts'
import { systemClock } from '../../packages/server/src/domain/time.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf, type Office, openOffice } from '../processes/registered.ts'
import { dataDirectory, restartingServer, startServer } from '../processes/server-process.ts'
import type { App, Tokens } from '../stage/app.ts'
import type { Ground } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { apiUrl, assertRefused, call, outcome } from './api-ground.ts'
import { heardWorld } from './heard-world.ts'

interface Place {
  readonly data: string
  readonly office: Office
  readonly shop: Awaited<ReturnType<Office['addClient']>>
  readonly apiSecret: string
}

async function openPlace(lifetime: Lifetime): Promise<Place> {
  const data = await dataDirectory(lifetime)
  const office = await openOffice(lifetime, data)
  await office.addUser()
  const shop = await office.addClient({ id: 'shop', kind: 'web' })
  const api = await office.addClient({ id: 'api', kind: 'service', redirectUris: [], audiences: [apiUrl] })
  return { data, office, shop, apiSecret: api.secret ?? '' }
}

function tokensAt(ground: Ground, app: App): () => Promise<Tokens> {
  const browser = browserOf(ground)
  return async () => {
    const tokens = await app.redeem(await app.authorize(browser, { resource: apiUrl }))
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
    return tokens
  }
}

/** Asked again after each answer of the feed. */
async function untilRefused(guard: ApiGuard, heard: () => Promise<void>, { accessToken }: Tokens) {
  for (;;) {
    const next = heard()
    const verdict = await guard.verify(call(accessToken))
    if (!verdict.granted) return verdict
    await next
  }
}

describe('a guard that follows the feed', () => {
  it('refuses whatever was ended, in every way there is, and nothing else', async test => {
    const place = await openPlace(test)
    const server = await startServer(test, { data: place.data, workers: 2 })
    const { workbench } = place.office
    const credentials = clientSecret('api', place.apiSecret)
    const { world, heard } = heardWorld()
    const guard = guardApi({ issuer: server.issuer, audience: apiUrl, credentials, follow: 'feed', world })
    test.after(() => guard.close())
    const app = appOf(server, place.shop)
    const open = tokensAt(server, app)
    const kept = await open()
    const end = async (input: RevocationInput): Promise<void> => {
      await carryOut(workbench, await planRevocation(workbench, input))
    }
    const ways: { readonly [name: string]: (tokens: Tokens) => Promise<unknown> } = {
      'its refresh token revoked': tokens => app.revoke(tokens.refreshToken),
      'its access token revoked alone': tokens => app.revoke(tokens.accessToken),
      'its family ended by an operator': tokens => end({ family: familyIdIn(tokens.refreshToken) }),
      'a spent refresh token played again': async tokens => {
        const second = await app.refresh(tokens.refreshToken, { resource: apiUrl })
        await app.refresh(second.refreshToken)
        await app.refresh(tokens.refreshToken)
      },
    }
    for (const [name, revoke] of Object.entries(ways)) {
      const tokens = await open()
      assert.equal(outcome(await guard.verify(call(tokens.accessToken))), 'granted', name)
      await revoke(tokens)
      assertRefused(await untilRefused(guard, heard, tokens), '401 invalid_token', /ended|by itself/)
      assert.equal(outcome(await guard.verify(call(kept.accessToken))), 'granted', `${name} took another along`)
    }
    await disableUser(workbench, 'ada@example.com')
    assertRefused(await untilRefused(guard, heard, kept), '401 invalid_token', /ended/)
  })

  it('refuses what a client or everybody had before a cut-off, and takes what comes after', async test => {
    const place = await openPlace(test)
    const server = await startServer(test, { data: place.data })
    const { workbench } = place.office
    const credentials = clientSecret('api', place.apiSecret)
    const { world, heard } = heardWorld()
    const guard = guardApi({ issuer: server.issuer, audience: apiUrl, credentials, follow: 'feed', world })
    test.after(() => guard.close())
    const open = tokensAt(server, appOf(server, place.shop))
    for (const input of [{ client: 'shop' }, { all: true }]) {
      const before = await open()
      assert.equal(outcome(await guard.verify(call(before.accessToken))), 'granted')
      await carryOut(workbench, await planRevocation(workbench, input))
      assertRefused(await untilRefused(guard, heard, before), '401 invalid_token', /cut off/)
      assert.equal(outcome(await guard.verify(call((await open()).accessToken))), 'granted')
    }
    const last = await open()
    await changeClient(workbench, 'shop', { disabled: true })
    assertRefused(await untilRefused(guard, heard, last), '401 invalid_token', /cut off/)
  })

  it('says how stale it is while the server is dead, closes when it is too long, and misses nothing of what came between', async test => {
    const place = await openPlace(test)
    const restarting = await restartingServer(test, { data: place.data })
    const server = await restarting.up()
    let aheadMs = 0
    const { world, heard } = heardWorld(() => systemClock.nowMs() + aheadMs)
    const guard = guardApi({
      issuer: server.issuer,
      audience: apiUrl,
      credentials: clientSecret('api', place.apiSecret),
      follow: 'feed',
      failClosedAfterSeconds: 60,
      world,
    })
    test.after(() => guard.close())
    const open = tokensAt(server, appOf(server, place.shop))
    const [ended, kept] = [await open(), await open()]
    assert.equal(outcome(await guard.verify(call(ended.accessToken))), 'granted')
    await server.kill()
    const { workbench } = place.office
    await carryOut(workbench, await planRevocation(workbench, { family: familyIdIn(ended.refreshToken) }))
    while (guard.health().revocations.failure === null) await heard()
    aheadMs = 30_000
    const stale = await guard.verify(call(ended.accessToken))
    assert.ok(stale.granted && stale.staleMs >= 30_000 && stale.staleMs < 60_000, JSON.stringify(stale))
    aheadMs = 61_000
    assertRefused(await guard.verify(call(kept.accessToken)), '503 temporarily_unavailable', /away/)
    restarting.killAndStart()
    await restarting.up()
    while ((guard.health().revocations.staleMs ?? 0) > 60_000) await heard()
    assertRefused(await guard.verify(call(ended.accessToken)), '401 invalid_token', /ended/)
    const again = await guard.verify(call(kept.accessToken))
    assert.ok(again.granted && again.staleMs < 60_000)
  })
})
