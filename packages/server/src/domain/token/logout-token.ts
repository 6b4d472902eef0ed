/**
 * Logout tokens (OIDC Back-Channel Logout 1.0 §2.4). The type keeps one from passing for an ID token, and there is never a
 * nonce. Each attempt to deliver it signs a new one: an application that took the first, and whose answer was lost, must
 * not take the second for a replay.
 */

import type { SessionId } from '@pawl/family'
import type { SigningAlgorithm } from '../client/signing-algorithm.ts'
import type { Entropy } from '../entropy.ts'
import type { SigningKeys } from '../keys/signing-keys.ts'
import { signJwt } from './sign-jwt.ts'

export interface LogoutTokenRequest {
  readonly clientId: string
  /** As the client knows the user. */
  readonly subject: string
  readonly sessionId: SessionId | null
  /** The one its ID tokens are signed with. */
  readonly algorithm: SigningAlgorithm
  readonly nowMs: number
}

/** Long enough for a clock that is a little wrong, and no longer (§2.4 asks for two minutes at most). */
export const logoutTokenSeconds = 120

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

export function issueLogoutToken(
  mint: { readonly issuer: string; readonly entropy: Entropy; readonly signingKeys: SigningKeys },
  request: LogoutTokenRequest,
): string {
  const { clientId, subject, sessionId, algorithm, nowMs } = request
  const issuedAt = Math.floor(nowMs / 1000)
  return signJwt(mint.signingKeys.current(algorithm, nowMs), 'logout+jwt', {
    iss: mint.issuer,
    aud: clientId,
    iat: issuedAt,
    exp: issuedAt + logoutTokenSeconds,
    jti: Buffer.from(mint.entropy.bytes(16)).toString('base64url'),
    sub: subject,
    ...(sessionId === null ? {} : { sid: sessionId }),
    events: { [logoutEvent]: {} },
  })
}
