/** Floods of what anybody may write: documents of strange shapes, and clients without end. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addRegistrationToken } from '../../packages/server/src/admin/registration-tokens.ts'
import { unusedClientKeptSeconds } from '../../packages/server/src/domain/registration/registration-store.ts'
import { registrationsPerHourMax } from '../../packages/server/src/oauth/registration/registration-limits.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { appOf, register, registered } from '../stage/registration.ts'
import { openStage, type Stage } from '../stage/stage.ts'

async function opened(lifetime: Lifetime, settings: { readonly [name: string]: unknown } = {}): Promise<Stage> {
  const stage = await openStage({ settings })
  lifetime.after(() => stage.close())
  return stage
}

const metadata = { redirect_uris: ['https://app.example/cb'] }

describe('metadata of a strange shape', () => {
  it('DS-05 is refused: too deep, too wide, named twice, of another type, or no JSON at all', async test => {
    const stage = await opened(test)
    const deep = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    const wide = (count: number) => `{${Array.from({ length: count }, (_, n) => `"${n.toString(36)}":0`).join(',')}}`
    const texts = [deep(17), deep(5_000), wide(1_025), '{"a":1,"a":2}', '{"a":1,"\\u0061":2}']
    const others = [
      '',
      'null',
      '[]',
      '"x"',
      '1e999',
      '{"a":}',
      '{',
      `{"a":${'9'.repeat(5_000)}}`,
      '{"redirect_uris":1e400}',
    ]
    for (const text of [...texts, ...others]) {
      const { status, body } = await register(stage, text)
      assert.equal(status, 400, text.slice(0, 50))
      assert.match(String(body['error']), /^invalid_(?:client_metadata|redirect_uri)$/)
    }
    for (const text of [deep(50_000), wide(20_000)]) assert.equal((await register(stage, text)).status, 413)
    for (const contentType of ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      assert.equal((await register(stage, metadata, { contentType })).status, 400, contentType)
    }
    assert.deepEqual(await stage.pawl.store.clients.list(10), [])
  })
})

describe('clients without end', () => {
  it('DS-11 come to so many from one network in an hour, and those of other networks are let in', async test => {
    const stage = await opened(test)
    const address = '198.51.100.1'
    for (let n = 0; n < registrationsPerHourMax; n++) {
      assert.equal((await register(stage, metadata, { address })).status, 201)
    }
    const over = await register(stage, metadata, { address })
    assert.deepEqual([over.status, over.body['error']], [429, 'too_many_requests'])
    assert.equal(over.headers.get('retry-after'), '3600')
    assert.equal((await register(stage, metadata, { address: '198.51.100.2' })).status, 201)

    stage.clock.advanceSeconds(3600)
    assert.equal((await register(stage, metadata, { address })).status, 201)
  })

  it('DS-11 come to so many in all, until those that nobody uses are forgotten', async test => {
    const stage = await opened(test, { registeredClientsMax: 5 })
    await stage.addUser()
    const used = await registered(stage)
    await (await appOf(stage, used)).signIn(stage.browser())
    const { secret } = await addRegistrationToken(stage.workbench, { name: 'acme' })
    const vouched = await registered(stage, {}, { token: secret })
    for (let n = 2; n < 5; n++) await registered(stage)
    const full = await register(stage, metadata)
    assert.deepEqual([full.status, full.body['error']], [429, 'too_many_requests'])
    await stage.addClient({ id: 'by-hand', kind: 'web', redirectUris: ['https://hand.example/cb'] })
    const { secret: other } = await addRegistrationToken(stage.workbench, { name: 'late' })
    const late = await registered(stage, {}, { token: other })

    stage.clock.advanceSeconds(unusedClientKeptSeconds + 1)
    await tidy(stage)
    const kept = [used, vouched, late].map(({ client_id: id }) => String(id))
    assert.deepEqual(await idsOf(stage), ['by-hand', ...kept].toSorted())
    assert.equal((await register(stage, metadata)).status, 201)
  })
})

async function idsOf(stage: Stage): Promise<readonly string[]> {
  return (await stage.pawl.store.clients.list(10)).map(({ id }) => id).toSorted()
}

/** Whatever is written tidies up: every 256 writes take what is over with them. */
async function tidy(stage: Stage): Promise<void> {
  for (let n = 0; n < 600; n++) await stage.pawl.store.throttles.charge(`${n % 7}`, 60)
}
