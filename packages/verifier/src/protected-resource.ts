/** What an API publishes of itself (RFC 9728): whoever meets it for the first time finds the server to ask for a token. */

import { wellKnownUrl } from './server-metadata.ts'
import type { GuardSettings } from './guard-options.ts'

export const protectedResourceName = 'oauth-protected-resource'
/** So long others may keep the document. */
export const protectedResourceSeconds = 3600

export interface ResourceDescription {
  /** The identifier of the resource: an https URL, as in `resource` of a token request (RFC 8707). */
  readonly resource: string
  readonly scopes?: readonly string[]
  readonly name?: string
  readonly documentation?: string
}

type Told = Pick<GuardSettings, 'issuer' | 'dpopAlgorithms' | 'boundTokensOnly'>

/** Where the document of a resource belongs (RFC 9728 §3.1): the value of `resourceMetadata`. */
export function protectedResourceUrl(resource: string): string {
  return wellKnownUrl(resource, protectedResourceName)
}

export function protectedResourceMetadata(guard: { readonly settings: Told }, described: ResourceDescription) {
  const { issuer, dpopAlgorithms, boundTokensOnly } = guard.settings
  const { resource, scopes, name, documentation } = described
  return {
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    ...(boundTokensOnly && { dpop_bound_access_tokens_required: true }),
    ...(scopes !== undefined && { scopes_supported: scopes }),
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
  }
}

/** The document where the request asks for it, from any origin; null for every other request. */
export function answerProtectedResource(
  guard: { readonly settings: Told },
  described: ResourceDescription,
  request: Pick<Request, 'method' | 'url'>,
): Response | null {
  const isAsked = new URL(request.url).pathname === new URL(protectedResourceUrl(described.resource)).pathname
  if (!isAsked || (request.method !== 'GET' && request.method !== 'HEAD')) return null
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${protectedResourceSeconds}`,
    'access-control-allow-origin': '*',
  }
  const body = request.method === 'HEAD' ? null : JSON.stringify(protectedResourceMetadata(guard, described))
  return new Response(body, { headers })
}
