/** The metadata (RFC 8414, OIDC Discovery §3). It lists what is on, and nothing else. */

import { dpopAlgorithms, prompts, retryKeyVersion } from '@pawl/protocol'
import type { PublicJwk } from '../domain/keys/signing-key.ts'
import { jwksCacheSeconds } from '../domain/keys/signing-keys.ts'
import { acrs } from '../domain/session/acr.ts'
import type { EncryptionJwk } from '../domain/keys/request-decryption.ts'
import { authenticationMetadata } from './authentication-metadata.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { requestMetadata } from './authorize/request-metadata.ts'
import { tokenMetadata } from './token-metadata.ts'
import { supportedGrantTypes } from './token.ts'
import { userClaimNames } from './user-claims.ts'

export const endpointPaths = {
  authorize: '/authorize',
  push: '/par',
  token: '/token',
  deviceAuthorization: '/device_authorization',
  device: '/device',
  challenge: '/attestation-challenge',
  revoke: '/revoke',
  introspect: '/introspect',
  userinfo: '/userinfo',
  jwks: '/jwks',
  register: '/register',
  logout: '/logout',
  statusLists: '/status-lists',
  revocationFeed: '/revocation-feed',
} as const

/** Metadata may be kept as long as the keys: the rule by which a new key is published before it signs stands on this. */
export const metadataCacheSeconds = jwksCacheSeconds

export const openidScopes: readonly string[] = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access']

/**
 * The one document behind both well-known paths: RFC 8414 for `oauth-authorization-server` and OIDC Discovery §3 for
 * `openid-configuration`. RFC 8414 §2 allows any further member, and an OpenID client that finds us by the one path must
 * not miss what it would have found by the other.
 */
export function serverMetadata(
  server: Pick<AuthorizationServer, 'issuer' | 'rules' | 'clientCertificates'> & {
    readonly statusLists: object | null
  },
): {
  readonly [name: string]: unknown
} {
  return {
    ...oauthMetadata(server.issuer),
    ...openidMetadata(server.issuer, server.rules.signUp),
    ...tokenMetadata(),
    // draft-ietf-oauth-status-list §9.1
    ...(server.statusLists === null
      ? {}
      : { status_list_aggregation_endpoint: server.issuer + endpointPaths.statusLists }),
    ...requestMetadata(server),
    ...registrationMetadata(server),
    ...certificateMetadata(server),
  }
}

function oauthMetadata(issuer: string): { readonly [name: string]: unknown } {
  return {
    issuer,
    authorization_endpoint: issuer + endpointPaths.authorize,
    pushed_authorization_request_endpoint: issuer + endpointPaths.push,
    token_endpoint: issuer + endpointPaths.token,
    device_authorization_endpoint: issuer + endpointPaths.deviceAuthorization,
    revocation_endpoint: issuer + endpointPaths.revoke,
    introspection_endpoint: issuer + endpointPaths.introspect,
    // Ours, and named so (RFC 8414 §2 allows further members).
    pawl_revocation_feed_endpoint: issuer + endpointPaths.revocationFeed,
    jwks_uri: issuer + endpointPaths.jwks,
    scopes_supported: openidScopes,
    response_types_supported: ['code'],
    grant_types_supported: supportedGrantTypes,
    challenge_endpoint: issuer + endpointPaths.challenge,
    code_challenge_methods_supported: ['S256'],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    authorization_response_iss_parameter_supported: true,
    ui_locales_supported: ['en'],
    refresh_token_retry_keys_supported: [retryKeyVersion],
    refresh_token_expiration_types_supported: ['authorization', 'token_timeout'],
  }
}

/** RFC 8705 §3.3, §5: what is said of certificates where they can be shown, and where to show them. */
function certificateMetadata({ clientCertificates }: Pick<AuthorizationServer, 'clientCertificates'>) {
  if (clientCertificates === null) return authenticationMetadata(false)
  const { url } = clientCertificates
  return {
    ...authenticationMetadata(true),
    tls_client_certificate_bound_access_tokens: true,
    ...(url === null ? {} : { mtls_endpoint_aliases: aliasesAt(url) }),
  }
}

function aliasesAt(url: string): { readonly [name: string]: string } {
  return {
    token_endpoint: url + endpointPaths.token,
    pushed_authorization_request_endpoint: url + endpointPaths.push,
    device_authorization_endpoint: url + endpointPaths.deviceAuthorization,
    revocation_endpoint: url + endpointPaths.revoke,
    introspection_endpoint: url + endpointPaths.introspect,
    pawl_revocation_feed_endpoint: url + endpointPaths.revocationFeed,
    userinfo_endpoint: url + endpointPaths.userinfo,
  }
}

/** RFC 7591 §3, Client ID Metadata Document §6. */
function registrationMetadata({ issuer, rules }: Pick<AuthorizationServer, 'issuer' | 'rules'>) {
  return {
    ...(rules.registration === 'off' ? {} : { registration_endpoint: issuer + endpointPaths.register }),
    ...(rules.clientDocumentHosts.length === 0 ? {} : { client_id_metadata_document_supported: true }),
  }
}

function openidMetadata(issuer: string, takesNewPeople: boolean): { readonly [name: string]: unknown } {
  return {
    userinfo_endpoint: issuer + endpointPaths.userinfo,
    end_session_endpoint: issuer + endpointPaths.logout,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    acr_values_supported: acrs,
    prompt_values_supported: prompts.filter(prompt => prompt !== 'create' || takesNewPeople),
    claim_types_supported: ['normal'],
    claims_supported: [...userClaimNames, ...idTokenClaimNames],
    claims_parameter_supported: true,
  }
}

/** What an ID token says of the sign-in itself. */
const idTokenClaimNames = ['iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'azp', 'sid', 'nonce', 'at_hash']

/** The JWKS behind `jwks_uri`: every key that signs, will sign, or still verifies something alive; and those to encrypt to. */
export async function publicKeys(
  server: AuthorizationServer,
): Promise<{ readonly keys: readonly (PublicJwk | EncryptionJwk)[] }> {
  const { keys } = await server.signingKeys.jwks(await server.store.now())
  return { keys: [...keys, server.requestDecryption.jwk] }
}
