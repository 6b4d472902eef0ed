/**
 * Who holds the key: what a request shows of one, by a DPoP proof (RFC 9449) or by its TLS certificate (RFC 8705), and
 * what follows from it for the rule, for access tokens and for their type. The only place that decides this.
 */

import type { Binding, Proof } from '@pawl/family'
import { type Client, isPublicClient } from '../domain/client/client.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import type { Confirmation } from '../domain/token/issue.ts'
import type { AuthorizationServer, ProtocolRequest } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

export interface Sender {
  /** For the rule: a confidential client is proven by itself, a public one by its key or not at all. */
  readonly proof: Proof
  /** `cnf` of access tokens that this request is answered with, or null for bearer tokens. */
  readonly confirmation: Confirmation | null
  readonly tokenType: 'Bearer' | 'DPoP'
  /** To be taken before, or together with, whatever the proof is used for; null where there is no proof. */
  readonly mark: Mark | null
}

/**
 * What this request shows, judged by the store's time. Throws `invalid_dpop_proof` or `use_dpop_nonce` for a proof that
 * is no good, and for a missing one where the client is registered to show one; nothing has changed then. It reads
 * nothing, so a step may ask in the middle of its decision.
 */
export function senderOf(
  _server: AuthorizationServer,
  client: Client,
  request: ProtocolRequest,
  _nowMs: number,
): Sender {
  const certificate = client.tlsClientCertificateBoundAccessTokens ? request.certificate : null
  if (client.tlsClientCertificateBoundAccessTokens && certificate === null) {
    throw new OAuthError('invalid_request', 'the client is registered to show a certificate, and showed none', {
      context: { clientId: client.id },
    })
  }
  if (certificate === null) return isPublicClient(client) ? unknownSender : clientSender
  const binding: Binding = { kind: 'certificate', thumbprint: certificate.thumbprint }
  return {
    proof: isPublicClient(client) ? { kind: 'key', binding } : { kind: 'client' },
    confirmation: { 'x5t#S256': certificate.thumbprint },
    tokenType: 'Bearer',
    mark: null,
  }
}

/**
 * Takes the mark by itself, where no step takes it along (`Attempt.mark`). Throws `invalid_dpop_proof` for a proof that
 * was used before.
 */
export async function takeMark(server: AuthorizationServer, client: Client, { mark }: Sender): Promise<void> {
  if (mark === null || (await server.store.marks.take(mark.use, mark.value, mark.expiresAtMs))) return
  throw replayed(client)
}

export function replayed(client: Client): OAuthError {
  return new OAuthError('invalid_dpop_proof', 'the DPoP proof was used before', { context: { clientId: client.id } })
}

const bearer = { confirmation: null, tokenType: 'Bearer', mark: null } as const
const unknownSender: Sender = { ...bearer, proof: { kind: 'none' } }
const clientSender: Sender = { ...bearer, proof: { kind: 'client' } }
