import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import type { RequestId } from '../domain/identifiers.ts'
import { StoreUnavailable } from '../domain/store.ts'
import { failureKey } from '../oauth/failure-key.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import type { Answered } from './access-log.ts'
import type { HttpRequest, HttpResponse } from './exchange.ts'
import { failureDelay, failuresPerMinuteMax } from './failure-delay.ts'
import { type Answer, type Endpoint, type Route, type RouterParts, route } from './router.ts'

const spaOrigin = 'https://spa.example'

const greet: Endpoint = request => Promise.resolve({ status: 200, headers: { 'X-Was': request.method }, body: 'hello' })

const paths: readonly Route[] = [
  { path: '/token', methods: ['POST'], cors: 'token', endpoint: greet },
  { path: '/jwks', methods: ['GET'], cors: 'public', endpoint: greet },
  { path: '/authorize', methods: ['GET', 'POST'], cors: 'none', endpoint: greet },
]

interface Told {
  readonly refusals: OAuthError[]
  readonly answers: Answered[]
}

function partsWith(told: Told, changed: Partial<RouterParts> = {}): RouterParts {
  let count = 0
  return {
    newRequestId: () => `req_${(count += 1)}` as RequestId,
    nowMs: () => 0,
    isAllowedOrigin: origin => Promise.resolve(origin === spaOrigin),
    accessLog: { answered: (_request, answer) => told.answers.push(answer) },
    failureDelay: failureDelay(() => 0),
    onRefusal: error => told.refusals.push(error),
    ...changed,
  }
}

function newAnswer(changed: Partial<RouterParts> = {}): Answer {
  return route(paths, partsWith({ refusals: [], answers: [] }, changed))
}

function request(method: string, path: string, headers: { readonly [name: string]: string } = {}): HttpRequest {
  return { method, path, query: '', headers, body: new Uint8Array(0), address: '192.0.2.1' }
}

async function answerTo(
  error: Error,
  changed: Partial<RouterParts> = {},
): Promise<{ response: HttpResponse; told: Told }> {
  const told: Told = { refusals: [], answers: [] }
  const endpoint: Endpoint = () => Promise.reject(error)
  const answer = route([{ path: '/token', methods: ['POST'], cors: 'token', endpoint }], partsWith(told, changed))
  return { response: await answer(request('POST', '/token', { origin: spaOrigin })), told }
}

describe('a page', () => {
  it('tells its errors in its own way, with the id that leads to the reason', async () => {
    const told: Told = { refusals: [], answers: [] }
    const failure: Route['failure'] = (error, requestId) => ({
      status: 418,
      headers: {},
      body: `${requestId} ${error}`,
    })
    const endpoint: Endpoint = () => Promise.reject(new Error('broken'))
    const page: Route = { path: '/authorize', methods: ['GET'], cors: 'none', endpoint, failure }
    const response = await route([page], partsWith(told))(request('GET', '/authorize'))
    assert.deepEqual({ ...response, headers: {} }, { status: 418, headers: {}, body: 'req_1 Error: broken' })
    assert.equal(response.headers['Pawl-Request-Id'], 'req_1')
    assert.equal(told.answers[0]?.status, 418)
  })
})

describe('a path', () => {
  it('is served where it is spelled exactly', async () => {
    assert.equal((await newAnswer()(request('POST', '/token'))).status, 200)
  })

  for (const path of ['/token/', '//token', '/%74oken', '/token;x', '/TOKEN', '/./token', '/token%00', 'token', '']) {
    it(`IJ-10 is nobody's when it is sent as ${JSON.stringify(path)}`, async () => {
      const response = await newAnswer()(request('POST', path))
      assert.equal(response.status, 404)
      assert.equal(response.headers['Pawl-Request-Id'], 'req_1')
    })
  }

  it("is nobody's when it is a name that objects have", async () => {
    assert.equal((await newAnswer()(request('GET', 'constructor'))).status, 404)
  })

  it('that ends with a slash stands for one segment behind it, and for no more', async () => {
    const below: Route = { path: '/from/', methods: ['GET'], cors: 'none', endpoint: greet }
    const answer = route([...paths, below], partsWith({ refusals: [], answers: [] }))
    assert.equal((await answer(request('GET', '/from/acme'))).status, 200)
    for (const path of ['/from', '/from/acme/', '/from/acme/x', '/from//acme', '/token/x', '/x']) {
      assert.equal((await answer(request('GET', path))).status, 404, path)
    }
  })

  it('belongs to one route only', () => {
    assert.throws(
      () => route([...paths, ...paths], partsWith({ refusals: [], answers: [] })),
      /two routes claim \/token/,
    )
  })
})

describe('a method', () => {
  it('AC-11 is answered 405 with what is allowed where it is not', async () => {
    const response = await newAnswer()(request('GET', '/token'))
    assert.equal(response.status, 405)
    assert.equal(response.headers['Allow'], 'POST, OPTIONS')
    for (const method of ['PUT', 'DELETE', 'post', 'TRACE']) {
      assert.equal((await newAnswer()(request(method, '/token'))).status, 405, method)
    }
  })

  it('may be HEAD wherever it may be GET, and the endpoint sees GET', async () => {
    const response = await newAnswer()(request('HEAD', '/authorize'))
    assert.equal(response.status, 200)
    assert.equal(response.headers['X-Was'], 'GET')
    assert.equal((await newAnswer()(request('HEAD', '/token'))).status, 405)
  })
})

describe('every answer', () => {
  it('names its request, by another name each time', async () => {
    const answer = newAnswer()
    assert.equal((await answer(request('POST', '/token'))).headers['Pawl-Request-Id'], 'req_1')
    assert.equal((await answer(request('GET', '/token'))).headers['Pawl-Request-Id'], 'req_2')
  })

  it('keeps the headers of the endpoint', async () => {
    assert.equal((await newAnswer()(request('POST', '/token'))).headers['X-Was'], 'POST')
  })
})

describe('a page of another origin', () => {
  it('RV-18 may ask beforehand and then call, where its origin is registered', async () => {
    const preflight = await newAnswer()(
      request('OPTIONS', '/token', { origin: spaOrigin, 'access-control-request-method': 'POST' }),
    )
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['Access-Control-Allow-Origin'], spaOrigin)
    assert.match(String(preflight.headers['Access-Control-Allow-Methods']), /POST/)
    assert.equal(
      preflight.headers['Access-Control-Allow-Headers'],
      'authorization, content-type, idempotency-key, dpop',
    )
    assert.equal(preflight.headers['Vary'], 'Origin')
    const response = await newAnswer()(request('POST', '/token', { origin: spaOrigin }))
    assert.equal(response.headers['Access-Control-Allow-Origin'], spaOrigin)
    assert.equal(
      response.headers['Access-Control-Expose-Headers'],
      'Pawl-Request-Id, WWW-Authenticate, Retry-After, DPoP-Nonce, Date',
    )
    assert.equal(response.headers['Access-Control-Allow-Credentials'], undefined)
  })

  for (const origin of [
    'https://evil.example',
    'null',
    `${spaOrigin}/`,
    `${spaOrigin}.evil.example`,
    `${spaOrigin}\\`,
    '*',
  ]) {
    it(`RV-18 gets no permission as ${JSON.stringify(origin)}`, async () => {
      for (const method of ['OPTIONS', 'POST']) {
        const response = await newAnswer()(
          request(method, '/token', { origin, 'access-control-request-method': 'POST' }),
        )
        assert.equal(response.headers['Access-Control-Allow-Origin'], undefined)
        assert.equal(response.headers['Access-Control-Allow-Headers'], undefined)
      }
    })
  }

  it('is not looked up where its origin is none', async () => {
    const asked: string[] = []
    const isAllowedOrigin = (origin: string): Promise<boolean> => Promise.resolve(asked.push(origin) > 0)
    await newAnswer({ isAllowedOrigin })(request('POST', '/token', { origin: 'null' }))
    await newAnswer({ isAllowedOrigin })(request('POST', '/token', { origin: `https://${'x'.repeat(600)}` }))
    assert.deepEqual(asked, [])
  })

  it('reads what is public from anywhere, without credentials', async () => {
    for (const headers of [{}, { origin: 'https://anyone.example' }]) {
      const response = await newAnswer()(request('GET', '/jwks', headers))
      assert.equal(response.headers['Access-Control-Allow-Origin'], '*')
      assert.equal(response.headers['Access-Control-Allow-Credentials'], undefined)
    }
  })

  it('has no permission at authorize, whoever it is', async () => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const response = await newAnswer()(request(method, '/authorize', { origin: spaOrigin }))
      assert.equal(response.headers['Access-Control-Allow-Origin'], undefined)
      assert.equal(response.status, method === 'OPTIONS' ? 405 : 200)
    }
  })

  it('learns of refusals too, with its permission', async () => {
    const { response } = await answerTo(new OAuthError('invalid_request', 'x'))
    assert.equal(response.headers['Access-Control-Allow-Origin'], spaOrigin)
  })

  it('moves nothing where its origin cannot be looked up', async () => {
    let moved = 0
    const endpoint: Endpoint = () => greet(request('POST', '/token'), `req_${(moved += 1)}` as RequestId)
    const parts = partsWith(
      { refusals: [], answers: [] },
      { isAllowedOrigin: () => Promise.reject(new StoreUnavailable('gone')) },
    )
    const answer = route([{ path: '/token', methods: ['POST'], cors: 'token', endpoint }], parts)
    assert.equal((await answer(request('POST', '/token', { origin: spaOrigin }))).status, 503)
    assert.equal(moved, 0)
  })
})

describe('an error', () => {
  it('of the protocol is answered in the shape of RFC 6749 §5.2, and kept for explain', async () => {
    const error = new OAuthError('invalid_scope', 'the scope admin was asked for')
    const { response, told } = await answerTo(error)
    assert.equal(response.status, 400)
    assert.equal(response.headers['Cache-Control'], 'no-store')
    assert.equal(response.headers['Content-Type'], 'application/json')
    assert.equal((JSON.parse(response.body) as { error: string }).error, 'invalid_scope')
    assert.doesNotMatch(response.body, /admin/)
    assert.deepEqual(told.refusals, [error])
    assert.equal(told.answers[0]?.detail, 'the scope admin was asked for')
  })

  it('of the store is answered 503: unknown, ask again in a second', async () => {
    const { response, told } = await answerTo(new StoreUnavailable('disk /var/secret is full'))
    assert.equal(response.status, 503)
    assert.equal(response.headers['Retry-After'], '1')
    assert.equal(response.body, '{"error":"temporarily_unavailable"}')
    assert.deepEqual(told.refusals, [])
  })

  it('nobody expected is answered 500 without a word about it, and logged with its cause', async () => {
    const error = new Error('boom at /etc/secret', { cause: new Error('deeper') })
    const { response, told } = await answerTo(error)
    assert.equal(response.status, 500)
    assert.equal(response.body, '{"error":"server_error"}')
    assert.equal(response.headers['Pawl-Request-Id'], 'req_1')
    assert.equal(told.answers[0]?.error, error)
  })

  it('thrown as anything but an error is answered 500 as well', async () => {
    for (const thrown of ['text', undefined, null])
      assert.equal((await answerTo(thrown as unknown as Error)).response.status, 500)
  })

  it('cannot be framed, sniffed or cached', async () => {
    for (const response of [await newAnswer()(request('GET', '/')), (await answerTo(new Error('x'))).response]) {
      assert.equal(response.headers['X-Frame-Options'], 'DENY')
      assert.match(String(response.headers['Content-Security-Policy']), /frame-ancestors 'none'/)
      assert.equal(response.headers['X-Content-Type-Options'], 'nosniff')
    }
  })
})

describe('guessing', () => {
  it('AC-08 is answered later past the limit, all codes that guessing earns alike, and no other code', async () => {
    for (const [code, isCounted] of [
      ['invalid_grant', true],
      ['invalid_client', true],
      ['invalid_token', true],
      ['invalid_request', false],
      ['invalid_scope', false],
    ] as const) {
      const keys: string[] = []
      const counting = {
        delay: (key: string) => Promise.resolve(void keys.push(key)),
        waiting: () => 0,
        release: () => {},
      }
      await answerTo(new OAuthError(code, 'x', { context: { clientId: 'web' as ClientId } }), {
        failureDelay: counting,
      })
      assert.deepEqual(keys, isCounted ? ['web 192.0.2.1'] : [], code)
    }
  })

  it('changes neither status nor body when it has to wait', async () => {
    const delays: number[] = []
    const startTimer = (callback: () => void, afterMs: number): (() => void) => {
      delays.push(afterMs)
      queueMicrotask(callback)
      return () => {}
    }
    const failures = failureDelay(() => 0, { startTimer })
    const first = await answerTo(new OAuthError('invalid_grant', 'x'), { failureDelay: failures })
    for (let index = 0; index < failuresPerMinuteMax; index += 1) await failures.delay(failureKey(null, '192.0.2.1'))
    const last = await answerTo(new OAuthError('invalid_grant', 'y'), { failureDelay: failures })
    assert.ok(delays.length > 0)
    assert.deepEqual(last.response, first.response)
  })
})
