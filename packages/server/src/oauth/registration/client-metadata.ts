/**
 * Client metadata (RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2) read onto a client kind and its
 * settings. What is unknown is left aside, as RFC 7591 §2 says; what is known and wrong is refused; and what the policy
 * does not give is dropped, which the answer shows.
 */

import { judgeRedirectUri } from '@pawl/protocol'
import { type ClientChanges, clientChangesSchema } from '../../admin/client-input.ts'
import {
  type AuthMethod,
  type ClientKind,
  certificateNameTypes,
  deviceCodeGrantType,
} from '../../domain/client/client.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import { OAuthError } from '../oauth-error.ts'

export interface MetadataPolicy {
  readonly kinds: readonly ClientKind[]
  readonly scopes: readonly string[]
  readonly authMethods: readonly AuthMethod[]
  /** A half sentence that refuses an address, or null. */
  readonly judgeUrl: (url: string) => string | null
}

export interface ReadMetadata {
  readonly kind: ClientKind
  readonly changes: ClientChanges
}

/** Members that mean what a setting of ours means; the setting's own schema says what they may be. */
export const plainMembers: { readonly [member: string]: keyof ClientChanges } = {
  client_name: 'name',
  redirect_uris: 'redirectUris',
  post_logout_redirect_uris: 'postLogoutRedirectUris',
  backchannel_logout_uri: 'backchannelLogoutUri',
  backchannel_logout_session_required: 'backchannelLogoutSessionRequired',
  frontchannel_logout_uri: 'frontchannelLogoutUri',
  frontchannel_logout_session_required: 'frontchannelLogoutSessionRequired',
  token_endpoint_auth_method: 'auth',
  token_endpoint_auth_signing_alg: 'authAlgorithm',
  jwks: 'jwks',
  jwks_uri: 'jwksUri',
  client_uri: 'clientUri',
  logo_uri: 'logoUri',
  policy_uri: 'policyUri',
  tos_uri: 'tosUri',
  contacts: 'contacts',
  software_id: 'softwareId',
  software_version: 'softwareVersion',
  id_token_signed_response_alg: 'idTokenAlgorithm',
  request_object_signing_alg: 'requestObjectAlgorithm',
  require_signed_request_object: 'requireSignedRequests',
  require_pushed_authorization_requests: 'requirePushedRequests',
  default_max_age: 'defaultMaxAgeSeconds',
  default_acr_values: 'defaultAcrValues',
  authorization_signed_response_alg: 'responseAlgorithm',
  userinfo_signed_response_alg: 'userinfoSigned',
  introspection_signed_response_alg: 'introspectionSigned',
  subject_type: 'subjectType',
  sector_identifier_uri: 'sectorIdentifierUri',
  dpop_bound_access_tokens: 'dpopBoundAccessTokens',
  tls_client_certificate_bound_access_tokens: 'tlsClientCertificateBoundAccessTokens',
}

/** What is encrypted to the client, by the first word of its two members: `…_encrypted_response_alg` and `…_enc`. */
export const encryptedMembers: { readonly [what: string]: keyof ClientChanges } = {
  id_token: 'idTokenEncryption',
  userinfo: 'userinfoEncrypted',
  introspection: 'introspectionEncrypted',
  authorization: 'responseEncrypted',
}

/** Members that name an address which is fetched, posted to, framed or shown as a link. */
const addresses = [
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'jwks_uri',
  'sector_identifier_uri',
  'initiate_login_uri',
  'backchannel_logout_uri',
  'frontchannel_logout_uri',
] as const

/** Throws `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 §3.2.2). */
export function readMetadata(sent: JsonObject, policy: MetadataPolicy): ReadMetadata {
  const members = withoutPointless(withoutNulls(sent))
  const auth = authMethodOf(members, policy)
  const kind = kindOf(members, auth, policy)
  if (!policy.kinds.includes(kind)) throw wrong(`Clients of kind ${kind} cannot be registered here.`)
  const scopes = scopesOf(members, kind, policy)
  const changes = changesOf(members, {
    auth,
    scopes: [...scopes],
    refresh: grantTypesOf(members).includes('refresh_token') && kind !== 'service',
    deviceGrant: grantTypesOf(members).includes(deviceCodeGrantType) && kind !== 'service' && kind !== 'spa',
    // RFC 9700 §2.1.1: what OpenID clients do that know nothing of PKCE, and can prove who they are.
    pkce: auth !== 'none' && scopes.includes('openid') ? 'or_nonce' : 'always',
  })
  judgeAddresses(members, policy)
  judgeRedirects([...(changes.redirectUris ?? []), ...(changes.postLogoutRedirectUris ?? [])], kind, policy)
  return { kind, changes }
}

/** RFC 7592 §2.2: a member that is null is a member that is not there. */
function withoutNulls(sent: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null))
}

/** What a notice of logout must carry says nothing where no notice is wanted. */
function withoutPointless(members: JsonObject): JsonObject {
  const { backchannel_logout_session_required: back, frontchannel_logout_session_required: front, ...others } = members
  return {
    ...others,
    ...(members['backchannel_logout_uri'] !== undefined && { backchannel_logout_session_required: back }),
    ...(members['frontchannel_logout_uri'] !== undefined && { frontchannel_logout_session_required: front }),
  }
}

function authMethodOf(members: JsonObject, policy: MetadataPolicy): AuthMethod {
  const wanted = members['token_endpoint_auth_method'] ?? 'client_secret_basic'
  const method = policy.authMethods.find(one => one === wanted)
  if (method === undefined) throw wrong('The token_endpoint_auth_method cannot be registered here.')
  return method
}

/** RFC 7591 §2 has the defaults; types that are not there are dropped, and the two lists must go together (§2.1). */
function grantTypesOf(members: JsonObject): readonly string[] {
  return textsOf(members, 'grant_types') ?? ['authorization_code']
}

function kindOf(members: JsonObject, auth: AuthMethod, { kinds }: MetadataPolicy): ClientKind {
  const type = members['application_type'] ?? 'web'
  if (type !== 'web' && type !== 'native') throw wrong('application_type is web or native.')
  const grantTypes = grantTypesOf(members)
  const responseTypes = textsOf(members, 'response_types')
  const usesCode = grantTypes.includes('authorization_code')
  if (usesCode !== (responseTypes ?? (usesCode ? ['code'] : [])).includes('code')) {
    throw wrong('grant_types and response_types do not go together: authorization_code belongs to code.')
  }
  const redirectUris = textsOf(members, 'redirect_uris') ?? []
  if (usesCode && redirectUris.length === 0) throw wrongRedirect('redirect_uris is missing.')
  if (!usesCode) {
    if (grantTypes.includes(deviceCodeGrantType) && auth === 'none') return 'device'
    if (!grantTypes.includes('client_credentials')) throw wrong('No grant type of grant_types is there to be had.')
    if (auth === 'none') throw wrong('client_credentials needs a client that authenticates.')
    return 'service'
  }
  if (auth === 'none') return publicKindOf(members, grantTypes, redirectUris)
  return serverKinds.find(kind => kinds.includes(kind)) ?? 'web'
}

/** Nothing in the metadata tells these apart: a token may be for one of them. */
const serverKinds = ['web', 'bff', 'integration'] as const

/** A page keeps no refresh token unless it is bound to a key; whatever else is public runs on the person's own machine. */
function publicKindOf(members: JsonObject, grantTypes: readonly string[], uris: readonly string[]): ClientKind {
  const isPage = members['application_type'] !== 'native' && uris.every(uri => uri.startsWith('https://'))
  const isBound = members['dpop_bound_access_tokens'] === true
  return isPage && (isBound || !grantTypes.includes('refresh_token')) ? 'spa' : 'native'
}

/** Asked for and given by the policy; without a word all of it, as for a client that an operator adds. */
function scopesOf(members: JsonObject, kind: ClientKind, policy: MetadataPolicy): readonly string[] {
  const { scope } = members
  if (scope === undefined) return kind === 'service' ? [] : policy.scopes
  if (typeof scope !== 'string') throw wrong('scope is a text of scopes separated by spaces.')
  return scope.split(' ').filter(one => policy.scopes.includes(one))
}

function changesOf(members: JsonObject, settled: ClientChanges): ClientChanges {
  const plain = Object.entries(plainMembers).flatMap(([member, setting]) => {
    const value = members[member]
    return value === undefined ? [] : [[setting, value] as const]
  })
  // OIDC Registration §2: RS256 is what a client expects that says nothing.
  const said = { ...Object.fromEntries(plain), ...encryptionsOf(members), ...certificateNameOf(members) }
  const wanted = { idTokenAlgorithm: 'RS256', ...said, ...settled }
  if (members['jwks'] !== undefined && members['jwks_uri'] !== undefined) {
    throw wrong('jwks and jwks_uri are both there: a client has its keys in one place.')
  }
  const parsed = clientChangesSchema.safeParse(wanted)
  if (parsed.success) return parsed.data
  const setting = parsed.error.issues[0]?.path[0]
  const member = memberOf(setting) ?? 'The metadata'
  throw member === 'redirect_uris' ? wrongRedirect(`${member} is malformed.`) : wrong(`${member} is refused.`)
}

function memberOf(setting: PropertyKey | undefined): string | undefined {
  const what = Object.keys(encryptedMembers).find(name => encryptedMembers[name] === setting)
  if (what !== undefined) return `${what}_encrypted_response_alg`
  return Object.keys(plainMembers).find(name => plainMembers[name] === setting)
}

/** OIDC Registration §2: without an algorithm nothing is encrypted, and an encoding alone means nothing. */
function encryptionsOf(members: JsonObject): { readonly [setting: string]: unknown } {
  const said = Object.entries(encryptedMembers).flatMap(([what, setting]) => {
    const algorithm = members[`${what}_encrypted_response_alg`]
    const content = members[`${what}_encrypted_response_enc`]
    if (algorithm !== undefined) return [[setting, { algorithm, ...(content !== undefined && { content }) }] as const]
    if (content === undefined) return []
    throw wrong(`${what}_encrypted_response_enc came without ${what}_encrypted_response_alg.`)
  })
  return Object.fromEntries(said)
}

/** RFC 8705 §2.1.2: exactly one of five members. */
function certificateNameOf(members: JsonObject): ClientChanges {
  const named = certificateNameTypes.filter(type => members[`tls_client_auth_${type}`] !== undefined)
  const [type, second] = named
  if (type === undefined) return {}
  const value = members[`tls_client_auth_${type}`]
  if (second !== undefined || typeof value !== 'string') throw wrong('A certificate is known by one name.')
  return { certificateName: { type, value } }
}

function judgeAddresses(members: JsonObject, policy: MetadataPolicy): void {
  for (const member of addresses) {
    const value = members[member]
    if (value === undefined) continue
    const refusal = typeof value === 'string' ? policy.judgeUrl(value) : 'it is no text'
    if (refusal !== null) throw wrong(`${member} is refused: ${refusal}.`)
  }
}

/** Where a browser is sent: not into a network that the person's browser reaches and the client has no business in. */
function judgeRedirects(uris: readonly string[], kind: ClientKind, policy: MetadataPolicy): void {
  for (const uri of uris) {
    const refusal = judgeRedirectUri(uri, kind) ?? (uri.startsWith('https:') ? policy.judgeUrl(uri) : null)
    if (refusal !== null) throw wrongRedirect(`A redirect URI is refused: ${refusal}.`)
  }
}

function textsOf(members: JsonObject, member: string): readonly string[] | undefined {
  const value = members[member]
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value
  const text = `${member} is a list of texts.`
  throw member === 'redirect_uris' ? wrongRedirect(text) : wrong(text)
}

/** The description is ours, of fixed words and names of members: nothing that was sent stands in it. */
export function wrong(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description, { description })
}

function wrongRedirect(description: string): OAuthError {
  return new OAuthError('invalid_redirect_uri', description, { description })
}
