/**
 * What a security profile asks of a registration. Pure. Each rule names its clause: registration refuses a client of the
 * profile that breaks one, and `pawl check` holds clients against them that are not of the profile.
 */

import { z } from 'zod'
import { type AuthMethod, type Client, isBound, isPublicClient, usesSecret } from '../domain/client/client.ts'
import { mayVerify } from '../domain/client/client-key.ts'
import { registeredKeys } from '../domain/client/client-keys.ts'
import { allowsAlgorithm, clientProfiles, fapi2Algorithms } from '../domain/client/client-profile.ts'

export const profileChangesShape = { profile: z.enum(clientProfiles).nullable().optional() }
type ProfileChanges = z.infer<z.ZodObject<typeof profileChangesShape>>

/** What of a client breaks a rule, as the end of a sentence about it, and what to do about it. */
export interface Broken {
  readonly reason: string
  readonly change: string
}

export interface ProfileRule {
  /** Of the FAPI 2.0 Security Profile. */
  readonly clause: string
  readonly judge: (client: Client) => Broken | null
}

export const fapi2Rules: readonly ProfileRule[] = [
  { clause: '5.3.2.1-3', judge: judgeConfidential },
  { clause: '5.3.2.1-5', judge: judgeSender },
  { clause: '5.3.2.1-6', judge: judgeMethod },
  { clause: '5.3.2.2-3', judge: judgePushing },
  { clause: '5.3.2.2-5', judge: judgePkce },
  { clause: '5.3.2.2-8', judge: judgeRedirects },
  { clause: '5.4.1-1.2', judge: client => judgeAlgorithms(client) ?? judgeKeys(client) },
]

/** The rule of that clause, for profiles that ask for the same. Throws where there is none. */
export function ruleOf(clause: string): ProfileRule['judge'] {
  const rule = fapi2Rules.find(each => each.clause === clause)
  if (rule === undefined) throw new RangeError(`no rule of the profile is of clause ${clause}`)
  return rule.judge
}

/** One sentence for each thing that is wrong. */
export function judgeProfile(client: Client): string[] {
  if (client.profile !== 'fapi2') return []
  const broken = fapi2Rules.map(({ judge }) => judge(client)).filter(each => each !== null)
  const sentences = broken.map(({ reason, change }) => `The profile fapi2 refuses this client: ${reason}; ${change}.`)
  return [...new Set(sentences)]
}

interface Changes extends ProfileChanges {
  readonly auth?: AuthMethod | undefined
  readonly certificateName?: object | null | undefined
  readonly pkce?: Client['pkce'] | undefined
  readonly requirePushedRequests?: boolean | undefined
  readonly dpopBoundAccessTokens?: boolean | undefined
  readonly tlsClientCertificateBoundAccessTokens?: boolean | undefined
}

/** With a profile comes what it cannot do without, where nothing else was said. */
export function withProfile<T extends Changes>(client: Client, changes: T): T {
  if (changes.profile !== 'fapi2') return changes
  const auth = changes.auth ?? methodFor(client, changes)
  const pkce = changes.pkce ?? 'always'
  const requirePushedRequests = changes.requirePushedRequests ?? true
  return { ...changes, auth, pkce, requirePushedRequests, ...senderFor(client, changes, auth) }
}

/** A secret gives way to what the client brings: a name in a certificate, or else keys. */
function methodFor({ authMethod }: Client, { certificateName }: Changes): AuthMethod {
  if (!usesSecret(authMethod)) return authMethod
  return certificateName ? 'tls_client_auth' : 'private_key_jwt'
}

/** Whoever shows a certificate anyway binds tokens to it; everybody else has DPoP. */
function senderFor(client: Client, changes: Changes, auth: AuthMethod): Changes {
  const byDpop = changes.dpopBoundAccessTokens ?? client.dpopBoundAccessTokens
  const byCertificate = changes.tlsClientCertificateBoundAccessTokens ?? client.tlsClientCertificateBoundAccessTokens
  if (byDpop || byCertificate) return {}
  const showsCertificate = auth === 'tls_client_auth' || auth === 'self_signed_tls_client_auth'
  return showsCertificate
    ? { tlsClientCertificateBoundAccessTokens: changes.tlsClientCertificateBoundAccessTokens ?? true }
    : { dpopBoundAccessTokens: changes.dpopBoundAccessTokens ?? true }
}

function judgeConfidential(client: Client): Broken | null {
  if (!isPublicClient(client)) return null
  return {
    reason: 'it is public, and cannot prove who it is',
    change: 'register one of a kind that runs on a server, such as web or integration',
  }
}

function judgeSender(client: Client): Broken | null {
  if (isBound(client)) return null
  return { reason: 'its access tokens need not be bound to a key', change: 'say --dpop or --certificate-bound' }
}

const methods: readonly AuthMethod[] = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']

function judgeMethod(client: Client): Broken | null {
  const { authMethod } = client
  if (methods.includes(authMethod)) return null
  if (isPublicClient(client)) return judgeConfidential(client)
  return {
    reason: `it authenticates by ${authMethod}, and not by a key or a certificate`,
    change: 'say --auth private_key_jwt with --jwks, or --auth tls_client_auth with --tls-name',
  }
}

function judgePushing({ grantTypes, requests }: Client): Broken | null {
  if (requests.requirePushed || !grantTypes.includes('authorization_code')) return null
  return { reason: 'it may ask without pushing its requests', change: 'say --require-par' }
}

function judgePkce({ pkce }: Client): Broken | null {
  return pkce === 'always' ? null : { reason: 'it may do without PKCE', change: 'say --pkce always' }
}

/** The exception of the clause is for native applications, which are public and have no part in this. */
function judgeRedirects({ redirectUris }: Client): Broken | null {
  const plain = redirectUris.find(uri => !uri.startsWith('https:'))
  if (plain === undefined) return null
  return { reason: `the redirect URI ${plain} is not https`, change: 'name another --redirect' }
}

function judgeAlgorithms({ authAlgorithm, idTokenAlgorithm, requests, tokens }: Client): Broken | null {
  const chosen = {
    '--auth-alg': authAlgorithm,
    '--id-token-alg': idTokenAlgorithm,
    '--request-alg': requests.objectAlgorithm,
    '--response-alg': requests.responseAlgorithm,
    '--userinfo-alg': tokens.userinfo.signed,
    '--introspection-alg': tokens.introspection.signed,
  }
  const refused = Object.entries(chosen).filter(([, alg]) => alg !== null && !allowsAlgorithm('fapi2', alg))
  if (refused.length === 0) return null
  const written = refused.map(([flag, alg]) => `${flag} ${alg ?? ''}`).join(' and ')
  return { reason: `it is registered with ${written}`, change: 'choose PS256, ES256 or EdDSA' }
}

/** A client that could sign with nothing else would be shut out. */
function judgeKeys(client: Client): Broken | null {
  if (client.authMethod !== 'private_key_jwt' || client.jwks.length === 0) return null
  if (registeredKeys(client).some(key => fapi2Algorithms.some(alg => mayVerify(key, alg)))) return null
  return { reason: 'none of its keys is for PS256, ES256 or EdDSA', change: 'name others with --jwks' }
}
