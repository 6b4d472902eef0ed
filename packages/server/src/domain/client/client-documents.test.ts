import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { type Outbound, type OutboundAnswer, OutboundFailed, OutboundRefused } from '../outbound/outbound.ts'
import {
  clientDocuments,
  documentFreshSecondsDefault,
  documentFreshSecondsMax,
  documentFreshSecondsMin,
  documentsUnderWayMax,
} from './client-documents.ts'

const id = 'https://app.example/client.json' as ClientId

/** The world outside, as far as the port shows it. */
function outside(answer: () => Promise<Partial<OutboundAnswer>>): Outbound & { readonly sent: string[] } {
  const sent: string[] = []
  return {
    sent,
    judge: () => null,
    send: async ({ url }) => {
      sent.push(url)
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ client_id: url })), ...(await answer()) }
    },
  }
}

async function freshSecondsWith(headers: { readonly [name: string]: string }): Promise<number | string> {
  const document = await clientDocuments(outside(async () => ({ headers }))).fetch(id)
  return 'refusal' in document ? document.refusal : document.freshSeconds
}

describe('a document of a client', () => {
  it('is what stands at its id', async () => {
    const body = Buffer.from(JSON.stringify({ client_id: id, client_name: 'App' }))
    const document = await clientDocuments(outside(async () => ({ body }))).fetch(id)
    assert.deepEqual(document, {
      metadata: { client_id: id, client_name: 'App' },
      freshSeconds: documentFreshSecondsDefault,
    })
  })

  it('is fresh for as long as its publisher says, within bounds', async () => {
    const [min, max] = [documentFreshSecondsMin, documentFreshSecondsMax]
    const cases: readonly (readonly [{ readonly [name: string]: string }, number])[] = [
      [{}, documentFreshSecondsDefault],
      [{ 'cache-control': 'public' }, documentFreshSecondsDefault],
      [{ 'cache-control': 'max-age=600' }, 600],
      [{ 'cache-control': 'Public, Max-Age="600"' }, 600],
      [{ 'cache-control': 'max-age=600', age: '100' }, 500],
      [{ 'cache-control': 'max-age=600', age: '9999' }, min],
      [{ 'cache-control': 'max-age=600', age: 'old' }, 600],
      [{ 'cache-control': 'max-age=0' }, min],
      [{ 'cache-control': 'max-age=9999999999' }, max],
      [{ 'cache-control': 'max-age=600, no-store' }, min],
      [{ 'cache-control': 'no-cache' }, min],
      [{ 'cache-control': 'max-age=-1' }, documentFreshSecondsDefault],
    ]
    for (const [headers, seconds] of cases)
      assert.equal(await freshSecondsWith(headers), seconds, JSON.stringify(headers))
  })

  it('is refused where the bytes are no UTF-8', async () => {
    const body = Buffer.concat([Buffer.from(`{"client_id":"${id}","x":"`), Buffer.from([0xff]), Buffer.from('"}')])
    assert.ok('refusal' in (await clientDocuments(outside(async () => ({ body }))).fetch(id)))
  })

  it('cannot be had where nobody answers, which is no failure of ours', async () => {
    for (const error of [new OutboundFailed('no'), new OutboundRefused('address', 'no')]) {
      assert.ok('refusal' in (await clientDocuments(outside(() => Promise.reject(error))).fetch(id)))
    }
    const ours = clientDocuments(outside(() => Promise.reject(new TypeError('ours'))))
    await assert.rejects(ours.fetch(id), TypeError)
  })

  it('is asked for once by all who want it at the same time, and again by whoever comes later', async () => {
    const arrived = Promise.withResolvers<object>()
    const outbound = outside(() => arrived.promise)
    const documents = clientDocuments(outbound)
    const waiting = [documents.fetch(id), documents.fetch(id), documents.fetch(id)]
    arrived.resolve({})
    const all = await Promise.all(waiting)
    assert.equal(new Set(all).size, 1)
    assert.equal(outbound.sent.length, 1)
    await documents.fetch(id)
    assert.equal(outbound.sent.length, 2)
  })

  it('waits for nobody while too many others are under way', async () => {
    const arrived = Promise.withResolvers<object>()
    const outbound = outside(() => arrived.promise)
    const documents = clientDocuments(outbound)
    const waiting = Array.from({ length: documentsUnderWayMax }, (_, n) => documents.fetch(`${id}?${n}` as ClientId))
    assert.ok('refusal' in (await documents.fetch(id)))
    assert.equal(outbound.sent.length, documentsUnderWayMax)
    arrived.resolve({})
    await Promise.all(waiting)
    assert.ok('metadata' in (await documents.fetch(id)))
  })
})
