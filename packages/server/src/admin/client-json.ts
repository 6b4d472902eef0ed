/** A client as JSON, with the names of RFC 7591 §2 and RFC 7592 §3; what is ours alone says so by being in neither. */

import type { Client } from '../domain/client/client.ts'
import { isoInstant } from '../domain/time.ts'
import { aboutJson } from './client-about.ts'
import { logoutJson } from './client-logout.ts'
import { requestsJson } from './client-requests.ts'
import { tokensJson } from './client-tokens.ts'

export interface ClientJson {
  readonly [name: string]: unknown
}

/** `secret` is there once, when it was just made; the server keeps only its hash. */
export function clientJson(client: Client, secret: string | null = null): ClientJson {
  return {
    client_id: client.id,
    ...(secret === null ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    client_id_issued_at: Math.floor(client.createdAtMs / 1000),
    client_name: client.name,
    kind: client.kind,
    ...(client.profile === null ? {} : { profile: client.profile }),
    application_type: client.kind === 'native' || client.kind === 'device' ? 'native' : 'web',
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    grant_types: client.grantTypes,
    response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
    token_exchange: client.exchange,
    token_endpoint_auth_method: client.authMethod,
    ...authenticationJson(client),
    scope: client.scopes.join(' '),
    id_token_signed_response_alg: client.idTokenAlgorithm,
    resources: client.resources,
    audiences: client.audiences,
    pkce: client.pkce === 'or_nonce' ? 'or-nonce' : client.pkce,
    first_party: client.firstParty,
    ...requestsJson(client),
    ...tokensJson(client),
    ...logoutJson(client),
    ...aboutJson(client),
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens,
    access_seconds: client.accessTokenSeconds,
    idle_seconds: client.idleSeconds,
    absolute_seconds: client.absoluteSeconds,
    repeat_seconds: client.repeatWindowSeconds,
    reuse_ends: client.reuseEnds,
    ...(client.minimumAcr === null ? {} : { minimum_acr: client.minimumAcr }),
    ...(client.maxAuthAgeSeconds === null ? {} : { max_auth_age_seconds: client.maxAuthAgeSeconds }),
    partner: client.partner,
    source: client.source === null ? 'operator' : client.source.kind,
    ...(client.source === null ? {} : { vouched_by: client.source.vouchedBy }),
    disabled: client.disabled,
    secrets: client.secretHashes.map(({ expiresAtMs }) => ({
      valid_until: expiresAtMs === null ? null : isoInstant(expiresAtMs),
    })),
  }
}

/** RFC 7591 §2, OIDC Registration §2 and RFC 8705 §2.1.2; who may attest is ours to name. */
function authenticationJson({ authAlgorithm, jwks, jwksUri, certificateName, attesterJwks }: Client): ClientJson {
  return {
    ...(authAlgorithm === null ? {} : { token_endpoint_auth_signing_alg: authAlgorithm }),
    ...(jwks.length === 0 ? {} : { jwks: { keys: jwks } }),
    ...(jwksUri === null ? {} : { jwks_uri: jwksUri }),
    ...(certificateName === null ? {} : { [`tls_client_auth_${certificateName.type}`]: certificateName.value }),
    ...(attesterJwks.length === 0 ? {} : { attester_jwks: { keys: attesterJwks } }),
  }
}
