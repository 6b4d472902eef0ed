/**
 * A request with an access token to an endpoint of ours, and whether it comes from whoever the token is bound to: shown
 * by a DPoP proof (RFC 9449 §7) or by the certificate of the connection (RFC 8705 §3). A bound token is never a bearer
 * token as well.
 */

import type { Grant } from '@pawl/family'
import { dpopAlgorithms } from '@pawl/protocol'
import type { LivingAccessToken } from './access-token.ts'
import type { AuthorizationServer, ProtocolRequest } from './authorization-server.ts'
import { challengeOf, goodProof, proofRulesOf, replayedProof } from './dpop-proof.ts'
import { OAuthError, type OAuthErrorCode, type RefusalContext } from './oauth-error.ts'

export interface ProtectedRequest extends Pick<ProtocolRequest, 'method' | 'path' | 'dpop' | 'certificate'> {
  /** The scheme of the Authorization header; a token that was posted is a bearer token (RFC 6750 §2.2). */
  readonly scheme: TokenScheme
  readonly accessToken: string
}

export type TokenScheme = 'Bearer' | 'DPoP'

/** What a request without a token learns: how to ask (RFC 6750 §3, RFC 9449 §7.1). */
export const howToAsk = `Bearer realm="pawl", DPoP algs="${dpopAlgorithms.join(' ')}"`

/** Throws where the token is bound to a key that the request does not show, or was sent as what it is not. */
export async function proveHolder(
  server: AuthorizationServer,
  request: ProtectedRequest,
  { claims, family }: LivingAccessToken,
): Promise<void> {
  const context = { clientId: family.grant.clientId, familyId: family.id }
  const { scheme, certificate } = request
  const { jkt, 'x5t#S256': certificateThumbprint } = claims.cnf ?? {}
  if ((jkt === undefined) !== (scheme === 'Bearer')) {
    const detail = `the access token is ${jkt === undefined ? 'not ' : ''}bound to a DPoP key and came as ${scheme}`
    throw protectedFailure('invalid_token', detail, { scheme: jkt === undefined ? 'Bearer' : 'DPoP', context })
  }
  if (certificateThumbprint !== undefined && certificateThumbprint !== certificate?.thumbprint) {
    throw protectedFailure('invalid_token', 'the access token is bound to another certificate', { scheme, context })
  }
  if (jkt !== undefined) await proveKey(server, request, { thumbprint: jkt, context })
}

/** A refusal with the challenge of the scheme in it (RFC 6750 §3, RFC 9449 §7.1). */
export function protectedFailure(
  code: OAuthErrorCode,
  detail: string,
  { scheme, context = {} }: { readonly scheme: TokenScheme; readonly context?: Partial<RefusalContext> },
): OAuthError {
  const challenge = { 'WWW-Authenticate': challengeOf(scheme, code) }
  return new OAuthError(code, detail, { context, headers: challenge })
}

async function proveKey(
  server: AuthorizationServer,
  request: ProtectedRequest,
  {
    thumbprint,
    context,
  }: { readonly thumbprint: string; readonly context: Partial<RefusalContext> & Pick<Grant, 'clientId'> },
): Promise<void> {
  const { method, path, dpop, accessToken } = request
  const scheme = 'DPoP'
  if (dpop === undefined) throw protectedFailure('invalid_token', 'there is no DPoP proof', { scheme, context })
  const [nowMs, reading] = await Promise.all([server.store.now(), server.store.clients.read(context.clientId)])
  if (reading === null) throw protectedFailure('invalid_token', 'the client is gone', { scheme, context })
  const nonceIsRequired = server.rules.dpopNonces
  const proven = { method, path, accessToken, nonceIsRequired, nowMs, context }
  const proof = goodProof(server, dpop, { ...proven, ...proofRulesOf(reading.client) })
  if (proof.thumbprint !== thumbprint) {
    throw protectedFailure('invalid_token', 'the access token is bound to another DPoP key', { scheme, context })
  }
  const { use, value, expiresAtMs } = proof.mark
  if (!(await server.store.marks.take(use, value, expiresAtMs))) throw replayedProof({ accessToken, context })
}
