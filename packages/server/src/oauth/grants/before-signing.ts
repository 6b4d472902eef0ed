/**
 * What the tokens of an answer are made from, besides the family: the user as they are now, the resources as they are
 * registered now, the operator's own claims, and keys that can sign. All of it is read anew for each answer, so that what
 * somebody lost since is not in the next token (RT-24). It can fail, and then nothing is spent.
 */

import type { Family } from '@pawl/family'
import type { Client } from '../../domain/client/client.ts'
import type { SigningAlgorithm } from '../../domain/client/signing-algorithm.ts'
import { firstAlgorithms } from '../../domain/keys/signing-keys.ts'
import type { Target } from '../../domain/resource/target.ts'
import { ClaimsHookFailed } from '../../domain/token/claims-hook.ts'
import { groupsOf, type User } from '../../domain/user/user.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { readTarget } from '../requested-resources.ts'
import { accessTokenClaims, claimsAskedFor, claimsOfToday, idTokenClaims, type UserClaims } from '../user-claims.ts'

export interface Ingredients {
  /** Null: the server itself, in the client's own format. */
  readonly target: Target | null
  readonly idTokenClaims: UserClaims
  /** Null: none, as in nearly every token. */
  readonly accessTokenClaims: UserClaims | null
}

/** Nothing but the family and the client. */
export const plainIngredients: Ingredients = { target: null, idTokenClaims: {}, accessTokenClaims: null }

export interface Signing {
  readonly client: Client
  readonly family: Family
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly nowMs: number
}

/** Null, and nothing is read, where plain ingredients do. Rejects with an `OAuthError`, or as the store does. */
export function beforeSigning(server: AuthorizationServer, signing: Signing): Promise<Ingredients> | null {
  return isPlain(server, signing) ? null : gather(server, signing)
}

function isPlain(server: AuthorizationServer, signing: Signing): boolean {
  const { client, family, resources, nowMs } = signing
  const { subject } = family.grant
  return (
    resources.length === 0 &&
    server.claimsHook === null &&
    server.statusLists === null &&
    server.signingKeys.isReady(nowMs) &&
    firstAlgorithms.includes(client.idTokenAlgorithm) &&
    client.tokens.idTokenEncryption === null &&
    (subject === null || !speaksOfUser(signing))
  )
}

/** True where a token says something of the user that the family does not know. */
function speaksOfUser({ client, family, scopes }: Signing): boolean {
  if (scopes.includes('groups')) return true
  if (family.grant.claims === null || !scopes.includes('openid')) return false
  return claimsAskedFor(claimsOfToday(family.grant.claims, client), 'id_token').length > 0
}

async function gather(server: AuthorizationServer, signing: Signing): Promise<Ingredients> {
  const { client, resources, scopes, nowMs } = signing
  const [target, user] = await Promise.all([
    resources.length === 0 ? null : readTarget(server, client, resources),
    userOf(server, signing),
    server.signingKeys.ready(nowMs),
  ])
  await prepareKeys(server, algorithmsOf(signing, target), nowMs)
  const added = await askHook(server, signing, user)
  const told = user === null ? {} : accessTokenClaims(user, scopes)
  const inAccessToken = { ...told, ...added.accessToken, ...(await statusOf(server, signing, target)) }
  const asked = claimsOfToday(signing.family.grant.claims, client)
  const inIdToken = user === null ? {} : idTokenClaims(user, scopes, asked)
  return {
    target,
    idTokenClaims: { ...inIdToken, ...added.idToken },
    accessTokenClaims: Object.keys(inAccessToken).length === 0 ? null : inAccessToken,
  }
}

async function userOf(server: AuthorizationServer, signing: Signing): Promise<User | null> {
  const { subject } = signing.family.grant
  if (subject === null || (server.claimsHook === null && !speaksOfUser(signing))) return null
  return (await server.store.users.read(subject))?.user ?? null
}

/** Those that are not there from the first start. */
function algorithmsOf({ client, scopes }: Signing, target: Target | null): readonly SigningAlgorithm[] {
  const wanted = [target?.algorithm ?? null, scopes.includes('openid') ? client.idTokenAlgorithm : null]
  return wanted.filter(each => each !== null).filter(each => !firstAlgorithms.includes(each))
}

async function prepareKeys(
  server: AuthorizationServer,
  algorithms: readonly SigningAlgorithm[],
  nowMs: number,
): Promise<void> {
  for (const algorithm of algorithms) await server.signingKeys.prepare(algorithm, nowMs)
}

/** What only introspection understands says nothing of where else its status could be had. */
async function statusOf(
  { statusLists }: AuthorizationServer,
  { client, family }: Signing,
  target: Target | null,
): Promise<UserClaims> {
  const format = target?.format ?? client.tokens.accessTokenFormat
  return statusLists === null || format === 'opaque' ? {} : { status: await statusLists.claimFor(family) }
}

interface Added {
  readonly accessToken: UserClaims
  readonly idToken: UserClaims
}

const nothingAdded: Added = { accessToken: {}, idToken: {} }

/** Throws `invalid_grant` where the hook denies, and `temporarily_unavailable` where it fails: then it is our fault (I14). */
async function askHook(server: AuthorizationServer, signing: Signing, user: User | null): Promise<Added> {
  if (server.claimsHook === null) return nothingAdded
  const { client, family } = signing
  const context = { clientId: client.id, familyId: family.id }
  try {
    const ruling = await server.claimsHook(contextOf(signing, user))
    if (ruling.kind === 'add') return ruling
    throw new OAuthError('invalid_grant', ruling.reason, { context })
  } catch (cause) {
    if (!(cause instanceof ClaimsHookFailed)) throw cause
    throw new OAuthError('temporarily_unavailable', cause.message, { context, cause })
  }
}

function contextOf({ client, family, scopes, resources }: Signing, user: User | null) {
  const { subject, acr, amr, authTimeMs } = family.grant
  const person = user && {
    email: user.email,
    emailVerified: user.emailVerified,
    groups: groupsOf(user),
    // The hook's own, to do with as it likes: tokens are made from what was read.
    claims: structuredClone(user.claims),
  }
  return {
    clientId: client.id,
    subject,
    user: person,
    scopes: [...scopes],
    resources: [...resources],
    acr,
    amr: [...amr],
    authTimeMs,
    openedAtMs: family.createdAtMs,
  }
}
