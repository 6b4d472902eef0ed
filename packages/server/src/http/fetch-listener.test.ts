import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodyBytesMax, type HttpRequest, type HttpResponse } from './exchange.ts'
import { fetchListener } from './fetch-listener.ts'

const origin = 'https://id.example'
const plain: HttpResponse = { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'hello' }

function listener(response = plain): { seen: HttpRequest[]; fetch: ReturnType<typeof fetchListener> } {
  const seen: HttpRequest[] = []
  const fetch = fetchListener(request => {
    seen.push(request)
    return Promise.resolve(response)
  })
  return { seen, fetch }
}

describe('the fetch function', () => {
  it('hands over method, path, query, headers, body and address', async () => {
    const { seen, fetch } = listener()
    const request = new Request(`${origin}/%74oken?a=b%20c`, { method: 'POST', body: 'x=y', headers: { 'X-A': '1' } })
    const response = await fetch(request, { address: '192.0.2.1' })
    assert.equal(await response.text(), 'hello')
    const [got] = seen
    assert.equal(got?.method, 'POST')
    assert.equal(got?.path, '/%74oken')
    assert.equal(got?.query, 'a=b%20c')
    assert.equal(got?.headers['x-a'], '1')
    assert.equal(Buffer.from(got?.body ?? []).toString(), 'x=y')
    assert.equal(got?.address, '192.0.2.1')
  })

  it('keeps several cookies apart', async () => {
    const { fetch } = listener({ ...plain, headers: { 'Set-Cookie': ['a=1; Path=/', 'b=2; Path=/'] } })
    const response = await fetch(new Request(origin))
    assert.deepEqual(response.headers.getSetCookie(), ['a=1; Path=/', 'b=2; Path=/'])
  })

  it('sends no body where there must be none', async () => {
    assert.equal(await (await listener().fetch(new Request(origin, { method: 'HEAD' }))).text(), '')
    assert.equal(await (await listener({ ...plain, status: 204, body: '' }).fetch(new Request(origin))).text(), '')
  })

  it('DS-01 takes the longest body and answers 413 to one byte more, declared or not', async () => {
    const { seen, fetch } = listener()
    const post = (body: Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(new Request(origin, { method: 'POST', body }))
    assert.equal((await post(new Uint8Array(bodyBytesMax))).status, 200)
    assert.equal(seen[0]?.body.length, bodyBytesMax)
    assert.equal((await post(new Uint8Array(bodyBytesMax + 1))).status, 413)
    const declared = new Request(origin, {
      method: 'POST',
      body: 'x',
      headers: { 'Content-Length': String(bodyBytesMax + 1) },
    })
    assert.equal((await fetch(declared)).status, 413)
    assert.equal(seen.length, 1)
  })

  it('DS-01 stops reading an endless body', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: controller => {
        pulled += 1
        controller.enqueue(new Uint8Array(16_384))
      },
    })
    // The type of the browser's `RequestInit` does not know `duplex`, which streams need (Fetch §5.4).
    const init = { method: 'POST', body: endless, duplex: 'half' }
    const response = await listener().fetch(new Request(origin, init))
    assert.equal(response.status, 413)
    assert.ok(pulled < 10, `${pulled} pieces were read`)
  })
})
