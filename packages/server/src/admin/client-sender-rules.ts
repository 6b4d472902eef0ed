/** What may be registered about keys that tokens are bound to: DPoP (RFC 9449) and client certificates (RFC 8705). */

import type { Client } from '../domain/client/client.ts'

/** One sentence for each thing that is wrong. */
export function judgeSenderConstraint(client: Client): string[] {
  const { kind, grantTypes, dpopBoundAccessTokens, tlsClientCertificateBoundAccessTokens } = client
  const wrong: string[] = []
  if (kind === 'spa' && grantTypes.includes('refresh_token') && !dpopBoundAccessTokens) {
    wrong.push(
      'A client of kind spa keeps its refresh token in a browser, so it has to be bound to a key: leave --no-dpop out, or put a backend in front (kind bff).',
    )
  }
  if (kind === 'spa' && tlsClientCertificateBoundAccessTokens) {
    wrong.push('A page in a browser has no certificate of its own to show: leave --certificate-bound out.')
  }
  return wrong
}
