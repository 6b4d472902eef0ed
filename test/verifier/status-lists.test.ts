/** An API that follows the lists of status of a real server. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { guardApi } from '@pawl/verifier'
import { statusListGoodSeconds, statusListSeconds } from '../../packages/server/src/domain/status/status-lists.ts'
import { apiUrl, assertRefused, call, openApi, outcome } from './api-ground.ts'
import { signer } from './signer.ts'

const settings = { statusLists: true }
const follow = 'status-lists'

describe('a guard that follows lists of status', () => {
  it('refuses an ended family once the next list is due, and asks once for all tokens until then', async test => {
    const scene = await openApi(test, { settings })
    const guard = scene.guard({ follow, introspect: 'none' })
    const [ended, kept] = [await scene.tokens(), await scene.tokens()]
    const lists = (): number => scene.asked.filter(path => path === '/status-lists').length
    for (const { accessToken } of [ended, kept, ended, kept]) {
      const verdict = await guard.verify(call(accessToken))
      assert.equal(verdict.granted && verdict.staleMs, 0)
    }
    assert.equal(lists(), 1)
    await scene.app.revoke(ended.refreshToken)
    scene.stage.clock.advanceMs(statusListSeconds * 1000 - 1)
    const before = await guard.verify(call(ended.accessToken))
    assert.equal(before.granted && before.staleMs, statusListSeconds * 1000 - 1)
    scene.stage.clock.advanceMs(1)
    assertRefused(await guard.verify(call(ended.accessToken)), '401 invalid_token', /status list/)
    assert.equal(outcome(await guard.verify(call(kept.accessToken))), 'granted')
    assert.equal(lists(), 2)
    assert.deepEqual(guard.health().revocations, { staleMs: 0, failure: null, known: 1 })
  })

  it('goes on with the list at hand while the server is away, and no longer than that is good', async test => {
    const scene = await openApi(test, { settings })
    const guard = scene.guard({ follow, introspect: 'none' })
    const { accessToken } = await scene.tokens()
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
    scene.cutOff(true)
    scene.stage.clock.advanceSeconds(statusListGoodSeconds - 1)
    const verdict = await guard.verify(call(accessToken))
    assert.equal(verdict.granted && verdict.staleMs, (statusListGoodSeconds - 1) * 1000)
    scene.stage.clock.advanceSeconds(1)
    assertRefused(await guard.verify(call(accessToken)), '503 temporarily_unavailable', /reached/)
    scene.cutOff(false)
    scene.stage.clock.advanceSeconds(1)
    assert.equal(outcome(await guard.verify(call(accessToken))), 'granted')
  })

  it('believes no list of another place, type or key, none that bursts, and no token without a place', async test => {
    const scene = await openApi(test)
    const { sign, jwks } = await signer(scene.stage)
    const uri = 'https://keys.example/list'
    let list = ''
    const guard = () =>
      guardApi({
        issuer: scene.stage.issuer,
        audience: apiUrl,
        jwksUri: 'https://keys.example/jwks',
        follow,
        world: { ...scene.world, fetch: async request => (request.url === uri ? new Response(list) : jwks(request)) },
      })
    const token = await sign({ status: { status_list: { idx: 5, uri } } })
    const listOf = (claims: object, header: object = {}) =>
      sign(
        { sub: uri, ttl: 5, status_list: { bits: 1, lst: deflated(Buffer.from([0, 0])) }, ...claims },
        { typ: 'statuslist+jwt', ...header },
      )
    list = await listOf({})
    assert.equal(outcome(await guard().verify(call(token))), 'granted')
    const refused = async (made: Promise<string>, outcome: string, reason: RegExp): Promise<void> => {
      list = await made
      assertRefused(await guard().verify(call(token)), outcome, reason)
    }
    const [dead, away] = ['401 invalid_token', '503 temporarily_unavailable'] as const
    await refused(listOf({ status_list: { bits: 1, lst: deflated(Buffer.from([32])) } }), dead, /it is over/)
    await refused(listOf({ status_list: { bits: 2, lst: deflated(Buffer.from([0, 8])) } }), dead, /it is over/)
    await refused(listOf({ status_list: { bits: 4, lst: deflated(Buffer.from([0, 0])) } }), dead, /not in the list/)
    await refused(listOf({ sub: 'https://keys.example/other' }), away, /another one/)
    await refused(listOf({}, { typ: 'at+jwt' }), away, /typ/)
    await refused(listOf({ status_list: { bits: 3, lst: '' } }), away, /no list/)
    await refused(listOf({ status_list: { bits: 1, lst: 'AAAA' } }), away, /inflated/)
    await refused(listOf({ status_list: { bits: 1, lst: deflated(Buffer.alloc(1_048_577)) } }), away, /inflated/)
    await refused((await signer(scene.stage)).sign({ sub: uri }, { typ: 'statuslist+jwt' }), away, /signature/)
    for (const status of [
      undefined,
      {},
      { status_list: { idx: -1, uri } },
      { status_list: { idx: 0, uri: 'http://keys.example/' } },
    ]) {
      assertRefused(await guard().verify(call(await sign({ status }))), dead, /where its status is/)
    }
  })
})

function deflated(bytes: Uint8Array): string {
  return deflateSync(bytes).toString('base64url')
}
