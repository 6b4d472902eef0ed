import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId } from '@pawl/family'
import { OAuthError, type OAuthErrorCode, retryAfterSecondsDefault } from '../oauth/oauth-error.ts'
import { failureResponse } from './oauth-failure.ts'

describe('an OAuth error', () => {
  for (const [code, status] of [
    ['invalid_request', 400],
    ['invalid_grant', 400],
    ['invalid_scope', 400],
    ['invalid_target', 400],
    ['invalid_client', 401],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['too_many_requests', 429],
    ['slow_down', 429],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ] as const satisfies readonly (readonly [OAuthErrorCode, number])[]) {
    it(`${code} is answered ${status}`, () => {
      assert.equal(failureResponse(new OAuthError(code, 'x')).status, status)
    })
  }

  it('takes another status where its endpoint has one', () => {
    assert.equal(failureResponse(new OAuthError('slow_down', 'x', { status: 400 })).status, 400)
  })

  it('I10: of a grant has one body, whatever the reason was', () => {
    const plain = failureResponse(new OAuthError('invalid_grant', 'expired'))
    const described = failureResponse(
      new OAuthError('invalid_grant', 'reused', {
        description: 'reused!',
        context: { clientId: 'web' as ClientId, generation: 7 },
      }),
    )
    assert.deepEqual(described, plain)
  })

  it('I11: never sends its detail, its context or its cause', () => {
    const response = failureResponse(
      new OAuthError('invalid_request', 'detail-text', {
        description: 'safe text',
        context: { clientId: 'client-text' as ClientId },
        cause: new Error('cause-text'),
      }),
    )
    assert.equal(response.body, '{"error":"invalid_request","error_description":"safe text"}')
    assert.doesNotMatch(JSON.stringify(response), /detail-text|client-text|cause-text/)
  })

  it('says when to come back, and sooner than the repeat window closes', () => {
    assert.equal(failureResponse(new OAuthError('too_many_requests', 'x')).headers['Retry-After'], '1')
    assert.equal(failureResponse(new OAuthError('temporarily_unavailable', 'x')).headers['Retry-After'], '1')
    assert.equal(
      failureResponse(new OAuthError('slow_down', 'x', { retryAfterSeconds: 5 })).headers['Retry-After'],
      '5',
    )
    assert.equal(failureResponse(new OAuthError('invalid_grant', 'x')).headers['Retry-After'], undefined)
    assert.ok(retryAfterSecondsDefault < 60)
  })

  it('CA-02 of a client names the challenge (RFC 6749 §5.2)', () => {
    assert.equal(
      failureResponse(new OAuthError('invalid_client', 'x')).headers['WWW-Authenticate'],
      'Basic realm="pawl"',
    )
    assert.match(String(failureResponse(new OAuthError('invalid_token', 'x')).headers['WWW-Authenticate']), /^Bearer /)
  })
})
