import type { Policy } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import type { AuthorizationServer } from '../authorization-server.ts'

/** The rule's settings for this client. */
export function policyOf(server: AuthorizationServer, client: Client): Policy {
  const { repeatsMax } = server.rules
  const { repeatWindowSeconds, reuseEnds } = client
  return { rotates: !keepsItsToken(client), repeatWindowSeconds, repeatsMax, reuseEnds }
}

/**
 * FAPI 2.0 §5.3.2.1: a confidential client that shows a key in every request gains nothing by rotation, and may lose its
 * token by it.
 */
function keepsItsToken({ kind, dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens }: Client): boolean {
  return kind === 'integration' && (dpopBoundAccessTokens || tlsClientCertificateBoundAccessTokens)
}
