import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { guardApi } from './guard-api.ts'
import { answerProtectedResource, protectedResourceMetadata, protectedResourceUrl } from './protected-resource.ts'
import type { GuardEvent } from './report.ts'
import { refusalResponse } from './verdict.ts'
import { machineWorld, type World } from './world.ts'

const issuer = 'https://id.example'
const audience = 'https://api.example/files'

/** A server that has metadata and no keys. */
const world: World = {
  ...machineWorld,
  nowMs: () => 1_800_000_000_000,
  fetch: async request =>
    Response.json(request.url.endsWith('/jwks') ? { keys: [] } : { issuer, jwks_uri: `${issuer}/jwks` }),
}

const header = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.constantFrom('Bearer ', 'DPoP ', 'bearer').chain(scheme => fc.string().map(text => scheme + text)),
  fc.tuple(fc.object(), fc.object(), fc.base64String()).map(([head, claims, signature]) => {
    const encoded = [{ alg: 'ES256', typ: 'at+jwt', ...head }, claims].map(part =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    return `Bearer ${encoded.join('.')}.${signature.replaceAll(/[+/=]/g, '_')}`
  }),
)

describe('a guard', () => {
  it('has an answer for whatever is sent: never access, never an exception, never a header that cannot be sent', async () => {
    const guard = guardApi({ issuer, audience, world, resourceMetadata: protectedResourceUrl(audience) })
    const presented = fc.record({
      method: fc.string(),
      url: fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.string()),
      authorization: fc.option(header),
      dpop: fc.option(fc.string()),
    })
    await fc.assert(
      fc.asyncProperty(presented, async request => {
        const verdict = await guard.verify(request, { scopes: ['a"b\\c'], acr: ['x'], maxAgeSeconds: 1 })
        assert.ok(!verdict.granted)
        assert.ok([400, 401, 503].includes(verdict.status), verdict.reason)
        assert.equal(refusalResponse(verdict).status, verdict.status)
      }),
      { numRuns: 500 },
    )
  })

  it('asks nobody before the first request, and for nothing where there is no token', async () => {
    let asked = 0
    const counting: World = {
      ...world,
      fetch: request => {
        asked += 1
        return world.fetch(request)
      },
    }
    const guard = guardApi({ issuer, audience, world: counting })
    await guard.verify(new Request(audience))
    await guard.verify(new Request(audience, { headers: { authorization: 'Bearer x.y' } }))
    assert.equal(asked, 0)
    assert.deepEqual(guard.health(), {
      keys: { ageMs: null, failure: null },
      revocations: { staleMs: null, failure: null, known: 0 },
    })
    await guard.close()
  })

  it('believes no metadata of another issuer, and none that leads to plain http', async () => {
    const token = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA'
    const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } })
    for (const document of [
      { issuer: 'https://evil.example', jwks_uri: `${issuer}/jwks` },
      { issuer, jwks_uri: 'http://id.example/jwks' },
      { issuer },
    ]) {
      const lying: World = { ...world, fetch: async () => Response.json(document) }
      const verdict = await guardApi({ issuer, audience, world: lying }).verify(request)
      assert.equal(verdict.granted || verdict.status, 503)
    }
  })
})

describe('the document about an API', () => {
  const described = {
    resource: audience,
    scopes: ['files.read'],
    name: 'Files',
    documentation: 'https://api.example/docs',
  }
  const guard = guardApi({ issuer, audience, world, boundTokensOnly: true })

  it('says who its server is and what it takes (RFC 9728 §2)', () => {
    const { dpop_signing_alg_values_supported: algorithms, ...rest } = protectedResourceMetadata(guard, described)
    assert.ok(algorithms.includes('ES256'))
    assert.deepEqual(rest, {
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      dpop_bound_access_tokens_required: true,
      scopes_supported: ['files.read'],
      resource_name: 'Files',
      resource_documentation: 'https://api.example/docs',
    })
  })

  it('is answered at its own address (§3.1), to GET and HEAD, from any origin', async () => {
    const url = 'https://api.example/.well-known/oauth-protected-resource/files'
    assert.equal(protectedResourceUrl(audience), url)
    assert.equal(
      protectedResourceUrl('https://api.example'),
      'https://api.example/.well-known/oauth-protected-resource',
    )
    const answer = answerProtectedResource(guard, described, new Request(url))
    assert.ok(answer !== null)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal(((await answer.json()) as { resource: string }).resource, audience)
    const head = answerProtectedResource(guard, described, new Request(url, { method: 'HEAD' }))
    assert.deepEqual([head?.status, await head?.text()], [200, ''])
    assert.equal(answerProtectedResource(guard, described, new Request(url, { method: 'POST' })), null)
    assert.equal(answerProtectedResource(guard, described, new Request(`${url}/more`)), null)
    assert.equal(answerProtectedResource(guard, described, new Request(audience)), null)
  })
})

describe('what a guard reports', () => {
  it('is a loss once and a return once, and a log that fails stops nothing', async () => {
    let isAway = true
    let nowMs = 1_800_000_000_000
    const events: GuardEvent[] = []
    const moody: World = {
      ...world,
      nowMs: () => nowMs,
      fetch: request => (isAway ? Promise.reject(new TypeError('the network is down')) : world.fetch(request)),
    }
    const report = (event: GuardEvent): void => {
      events.push(event)
      throw new Error('the disk is full')
    }
    const guard = guardApi({ issuer, audience, world: moody, report, jwksUri: `${issuer}/jwks` })
    for (let at = 0; at < 3; at++) {
      await assert.rejects(guard.ready(), /could not be reached/)
      nowMs += 1000
    }
    isAway = false
    await guard.ready()
    const reason = 'https://id.example/jwks could not be reached'
    assert.deepEqual(events, [
      { kind: 'lost', what: 'keys', reason },
      { kind: 'back', what: 'keys', reason: null },
    ])
  })
})
