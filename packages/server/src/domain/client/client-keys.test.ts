import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { OutboundFailed, type OutboundAnswer } from '../outbound/outbound.ts'
import type { Jwk } from './client-key.ts'
import { clientKeys, fetchIntervalSeconds, type KeyOwner, keySetsKeptMax, strangersUnderWayMax } from './client-keys.ts'

const jwk: Jwk = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid: 'one',
}

/** A world of clients that publish their keys, each under its own name, and a clock that stands still. */
function openWorld(answer: () => Promise<OutboundAnswer> = () => answerOf({ keys: [jwk] })) {
  const world = { nowMs: 1_000_000_000, asked: [] as string[], reports: [] as string[], answer }
  const keys = clientKeys({
    outbound: {
      judge: () => null,
      send: ({ url }) => {
        world.asked.push(url)
        return world.answer()
      },
    },
    nowMs: () => world.nowMs,
    report: sentence => world.reports.push(sentence),
  })
  return { world, keys }
}

async function answerOf(body: unknown, status = 200): Promise<OutboundAnswer> {
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) }
}

function publisher(id: string): KeyOwner {
  return { id: id as ClientId, jwks: [], jwksUri: `https://${id}.example/jwks`, source: null }
}

/** One that came by itself, and for which nobody says anything. */
function stranger(id: string): KeyOwner {
  const source = { kind: 'registered', tokenHashes: [], vouchedBy: null, statementOf: null } as const
  return { ...publisher(id), source }
}

describe('the keys of a client', () => {
  it('are those registered with it, by their kid or all of them, and nobody is asked', async () => {
    const { world, keys } = openWorld()
    const owner = { id: 'shop' as ClientId, jwks: [jwk, { ...jwk, kid: 'two' }], jwksUri: null, source: null }
    assert.deepEqual(
      (await keys.of(owner)).map(key => key.kid),
      ['one', 'two'],
    )
    assert.deepEqual(
      (await keys.of(owner, 'two')).map(key => key.kid),
      ['two'],
    )
    assert.deepEqual(await keys.of(owner, 'three'), [])
    assert.equal(world.asked.length, 0)
  })

  it('are kept for so many clients, of whom the one asked for longest ago makes room', async () => {
    const { world, keys } = openWorld()
    for (let count = 0; count < keySetsKeptMax; count++) await keys.of(publisher(`c${count}`))
    assert.equal(world.asked.length, keySetsKeptMax)
    assert.deepEqual(await keys.of(publisher('late')), [], 'all were fetched a moment ago')
    assert.equal(world.asked.length, keySetsKeptMax)
    world.nowMs += fetchIntervalSeconds * 1000
    assert.equal((await keys.of(publisher('late'))).length, 1)
    await keys.of(publisher('c1'))
    assert.equal(world.asked.length, keySetsKeptMax + 1, 'c1 is still known')
    await keys.of(publisher('c0'))
    assert.equal(world.asked.length, keySetsKeptMax + 2, 'c0 made room')
  })

  it('are asked for again for a certificate that is not among them, a minute after the last time', async () => {
    const [old, next] = [Buffer.from('one certificate'), Buffer.from('another')]
    const keyWith = (der: Buffer, kid: string): Jwk => ({ ...jwk, kid, x5c: [der.toString('base64')] })
    const { world, keys } = openWorld(() => answerOf({ keys: [jwk, keyWith(old, 'old')] }))
    const owner = publisher('shop')
    const kidsWith = async (der: Buffer) => (await keys.withCertificate(owner, der)).map(key => key.kid)
    assert.deepEqual(await kidsWith(old), ['old'])
    world.answer = () => answerOf({ keys: [keyWith(next, 'next')] })
    assert.deepEqual(await kidsWith(next), [])
    assert.equal(world.asked.length, 1)
    world.nowMs += fetchIntervalSeconds * 1000
    assert.deepEqual(await kidsWith(next), ['next'])
    assert.deepEqual(await kidsWith(old), [])
    assert.deepEqual(await kidsWith(Buffer.alloc(0)), [])
    assert.equal(world.asked.length, 2)
  })

  it('are asked for at once where the client moves them', async () => {
    const { world, keys } = openWorld()
    await keys.of(publisher('shop'))
    await keys.of({ ...publisher('shop'), jwksUri: 'https://elsewhere.example/jwks' })
    assert.deepEqual(world.asked, ['https://shop.example/jwks', 'https://elsewhere.example/jwks'])
  })

  it('are there at once for who has its key here, while a key that is not here is looked for', async () => {
    const { world, keys } = openWorld()
    await keys.of(publisher('shop'))
    world.nowMs += fetchIntervalSeconds * 1000
    const { promise: silence, resolve: answer } = Promise.withResolvers<OutboundAnswer>()
    world.answer = () => silence
    const stranger = keys.of(publisher('shop'), 'made up')
    assert.deepEqual(
      (await keys.of(publisher('shop'), 'one')).map(key => key.kid),
      ['one'],
    )
    answer(await answerOf({ keys: [jwk] }))
    assert.deepEqual(await stranger, [])
    assert.equal(world.asked.length, 2)
  })

  it('are asked for after a minute where a stranger moves them, however often', async () => {
    const { world, keys } = openWorld()
    const moved = (to: string): KeyOwner => ({ ...stranger('guest'), jwksUri: `https://${to}.example/jwks` })
    await keys.of(stranger('guest'))
    for (const place of ['victim-1', 'victim-2', 'victim-3']) assert.deepEqual(await keys.of(moved(place)), [])
    assert.deepEqual(world.asked, ['https://guest.example/jwks'])
    world.nowMs += fetchIntervalSeconds * 1000
    assert.equal((await keys.of(moved('new'))).length, 1)
    assert.equal(world.asked.length, 2)
  })

  it('of strangers take no room from those of anybody else', async () => {
    const { world, keys } = openWorld()
    for (let count = 0; count < keySetsKeptMax; count++) await keys.of(stranger(`s${count}`))
    assert.deepEqual(await keys.of(stranger('late')), [])
    assert.equal(world.asked.length, keySetsKeptMax)
    assert.equal((await keys.of(publisher('shop'))).length, 1)
  })

  it('of strangers are fetched a few at a time, and those of others meanwhile', async () => {
    const arrived = Promise.withResolvers<OutboundAnswer>()
    const { world, keys } = openWorld(() => arrived.promise)
    const waiting = Array.from({ length: strangersUnderWayMax }, (_, n) => keys.of(stranger(`s${n}`)))
    assert.deepEqual(await keys.of(stranger('late')), [])
    assert.equal(world.asked.length, strangersUnderWayMax)
    const shop = keys.of(publisher('shop'))
    arrived.resolve(await answerOf({ keys: [jwk] }))
    await Promise.all(waiting)
    assert.equal((await shop).length, 1)
    assert.equal((await keys.of(stranger('late'))).length, 1)
  })

  it('are none where nobody answers, which is told with a reason and tried again a minute later', async () => {
    const { world, keys } = openWorld(() => Promise.reject(new OutboundFailed('shop.example did not answer')))
    assert.deepEqual(await keys.of(publisher('shop')), [])
    assert.deepEqual(await keys.of(publisher('shop')), [])
    assert.deepEqual(world.reports, ['the keys of client shop could not be fetched: shop.example did not answer'])
    world.answer = () => answerOf({ keys: [jwk] })
    world.nowMs += fetchIntervalSeconds * 1000
    assert.equal((await keys.of(publisher('shop'))).length, 1)
  })

  it('do not hide a fault of ours, and are not lost by it', async () => {
    const { world, keys } = openWorld(() => Promise.reject(new TypeError('a fault')))
    await assert.rejects(keys.of(publisher('shop')), TypeError)
    world.answer = () => answerOf({ keys: [jwk] })
    world.nowMs += fetchIntervalSeconds * 1000
    assert.equal((await keys.of(publisher('shop'))).length, 1)
  })
})
