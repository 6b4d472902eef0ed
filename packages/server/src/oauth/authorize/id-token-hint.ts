import type { Client } from '../../domain/client/client.ts'
import { verifyJwt } from '../../domain/token/verify-jwt.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'

export interface IdTokenHint {
  /** The user under the name that the client knows them by (OIDC Core §8). */
  readonly subject: string
  readonly sessionId: string | null
  readonly clientId: string
}

/** The user an authorization request's `id_token_hint` names. Throws `invalid_request` for one that is not ours, or over. */
export async function subjectOfHint(
  server: AuthorizationServer,
  client: Client,
  hint: string | undefined,
): Promise<string | null> {
  if (hint === undefined) return null
  const read = await readIdTokenHint(server, hint, 'refused')
  if (read !== null && read.clientId === client.id) return read.subject
  const description = 'id_token_hint is not a current ID token of this client.'
  throw new OAuthError('invalid_request', description, { description, context: { clientId: client.id } })
}

/** What one of our ID tokens says; null for anything else. At logout an expired one will do (RP-Initiated Logout §4). */
export async function readIdTokenHint(
  server: AuthorizationServer,
  hint: string,
  expired: 'refused' | 'allowed',
): Promise<IdTokenHint | null> {
  const nowMs = await server.store.now()
  const claims = await verifyJwt(server.signingKeys, hint, { typ: 'JWT', issuer: server.issuer, nowMs, expired })
  if (claims === null) return null
  const { sub, aud, sid } = claims
  if (typeof sub !== 'string' || typeof aud !== 'string') return null
  return { subject: sub, clientId: aud, sessionId: typeof sid === 'string' ? sid : null }
}
