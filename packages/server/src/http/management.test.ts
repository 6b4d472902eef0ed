import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestId } from '../domain/identifiers.ts'
import { StoreUnavailable } from '../domain/store.ts'
import type { HttpRequest, HttpResponse } from './exchange.ts'
import { failureDelay } from './failure-delay.ts'
import { managementRoutes, type Readiness } from './management.ts'
import { route } from './router.ts'

function get(path: string, readiness: Partial<Readiness> = {}): Promise<HttpResponse> {
  const routes = managementRoutes({ checkStore: () => Promise.resolve(), isDraining: () => false, ...readiness })
  const answer = route(routes, {
    newRequestId: () => 'req_1' as RequestId,
    nowMs: () => 0,
    isAllowedOrigin: () => Promise.resolve(false),
    accessLog: { answered: () => {} },
    failureDelay: failureDelay(() => 0),
    onRefusal: () => {},
  })
  const request: HttpRequest = {
    method: 'GET',
    path,
    query: '',
    headers: {},
    body: new Uint8Array(0),
    address: '127.0.0.1',
  }
  return answer(request)
}

describe('the management listener', () => {
  it('says that the process is alive, whatever the store does', async () => {
    const response = await get('/livez', {
      checkStore: () => Promise.reject(new StoreUnavailable('gone')),
      isDraining: () => true,
    })
    assert.equal(response.status, 200)
  })

  it('says ready while the store answers and the server is not stopping', async () => {
    const response = await get('/readyz')
    assert.equal(response.status, 200)
    assert.deepEqual(JSON.parse(response.body), { ready: true, reasons: [] })
  })

  it('says not ready from the moment the server begins to stop', async () => {
    const response = await get('/readyz', { isDraining: () => true })
    assert.equal(response.status, 503)
    assert.deepEqual(JSON.parse(response.body), { ready: false, reasons: ['the server is stopping'] })
  })

  it('OP-05 says that the store does not answer, and not why', async () => {
    const response = await get('/readyz', { checkStore: () => Promise.reject(new StoreUnavailable('/srv/secret.db')) })
    assert.equal(response.status, 503)
    assert.deepEqual(JSON.parse(response.body), { ready: false, reasons: ['the store does not answer'] })
  })

  it('says not ready when the store does not answer in time', async context => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const response = get('/readyz', { checkStore: () => new Promise(() => {}) })
    context.mock.timers.tick(2_000)
    assert.equal((await response).status, 503)
  })

  it('knows nothing else', async () => {
    assert.equal((await get('/')).status, 404)
    assert.equal((await get('/token')).status, 404)
  })
})
