/**
 * Which claims about a user go where: by scope at userinfo (OIDC Core §5.4), and by name, in either place, with the
 * `claims` parameter (§5.5). A claim asked for by name counts as if its scope had been asked for: the client must be
 * allowed that scope, and the user is shown it.
 */

import type { Client } from '../domain/client/client.ts'
import { profileTexts } from '../domain/user/standard-claims.ts'
import { groupsOf, type User } from '../domain/user/user.ts'

export const claimsCharactersMax = 4096
const claimNamesMax = 50

const claimsByScope: { readonly [scope: string]: readonly string[] } = {
  profile: [...profileTexts, 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  groups: ['groups'],
}

export const userClaimNames: readonly string[] = ['sub', ...Object.values(claimsByScope).flat()]

export type ClaimsPlace = 'id_token' | 'userinfo'

/**
 * The `claims` parameter as it is kept: only the requests that a scope of this client covers, or that are about the
 * sign-in itself. Null when the text is no JSON object of claim requests within the limits.
 */
export function keptClaims(sent: string, clientScopes: readonly string[]): string | null {
  const parsed = parseClaims(sent)
  if (parsed === null) return null
  const kept: { [place: string]: object } = {}
  for (const place of ['id_token', 'userinfo'] as const) {
    const requests = parsed[place]
    if (requests === undefined || requests === null) continue
    if (!isClaimRequests(requests)) return null
    kept[place] = Object.fromEntries(Object.entries(requests).filter(([name]) => isCovered(name, clientScopes)))
  }
  const text = JSON.stringify(kept)
  // Written anew it may have grown: 1e20 becomes twenty-one digits.
  return text.length > claimsCharactersMax ? null : text
}

/** Of what a family keeps, the requests that the client may still make: what it has lost since, it is not told. */
export function claimsOfToday(kept: string | null, client: Pick<Client, 'scopes'>): string | null {
  return kept === null ? null : keptClaims(kept, client.scopes)
}

/** The scopes that cover the claims asked for by name: the user agrees to them as if they had been asked for whole. */
export function scopesOfClaims(claims: string | null): readonly string[] {
  const names = new Set([...claimsAskedFor(claims, 'id_token'), ...claimsAskedFor(claims, 'userinfo')])
  return Object.keys(claimsByScope).filter(scope => claimsOf(scope).some(name => names.has(name)))
}

/** The names asked for in one place. The text was checked when the request came in. */
export function claimsAskedFor(claims: string | null, place: ClaimsPlace): readonly string[] {
  const requests = claims === null ? null : parseClaims(claims)?.[place]
  return typeof requests === 'object' && requests !== null ? Object.keys(requests) : []
}

/** The single value `sub` must have, when the request says so: another user is no answer (OIDC Core §5.5.1). */
export function subjectAskedFor(claims: string | null): string | null {
  const requests = claims === null ? null : parseClaims(claims)?.id_token
  if (!isRecord(requests) || !isRecord(requests.sub)) return null
  return typeof requests.sub.value === 'string' ? requests.sub.value : null
}

export interface AcrAskedFor {
  readonly values: readonly string[]
  /** Nothing else is an answer (OIDC Core §5.5.1.1). */
  readonly essential: boolean
}

/** The values of `acr` that the claims of the ID token ask for; null where they name none. */
export function acrAskedFor(claims: string | null): AcrAskedFor | null {
  const requests = claims === null ? null : parseClaims(claims)?.id_token
  if (!isRecord(requests) || !isRecord(requests.acr)) return null
  const { value, values, essential } = requests.acr
  if (value === undefined && values === undefined) return null
  const named: readonly unknown[] = Array.isArray(values) ? values : [value]
  return { values: named.filter(one => typeof one === 'string'), essential: essential === true }
}

/** What userinfo tells: every claim of the granted scopes, and those asked for by name. */
export function userinfoClaims(user: User, scopes: readonly string[], claims: string | null): UserClaims {
  const names = scopes.flatMap(claimsOf)
  return pickClaims(user, [...names, ...claimsAskedFor(claims, 'userinfo')])
}

/** What an ID token tells besides the sign-in itself: what was asked for by name, and groups where they were granted. */
export function idTokenClaims(user: User, scopes: readonly string[], claims: string | null): UserClaims {
  return { ...accessTokenClaims(user, scopes), ...pickClaims(user, claimsAskedFor(claims, 'id_token')) }
}

/** What an access token tells of the user: their groups, where the scope of that name was granted (RFC 9068 §2.2.3.1). */
export function accessTokenClaims(user: User, scopes: readonly string[]): UserClaims {
  return scopes.includes('groups') ? { groups: groupsOf(user) } : {}
}

export interface UserClaims {
  readonly [name: string]: unknown
}

/** Only claims that a scope covers: an operator may keep other things about a user, and they are nobody else's. */
function pickClaims(user: User, names: readonly string[]): UserClaims {
  const known: UserClaims = {
    ...user.claims,
    email: user.email,
    email_verified: user.emailVerified,
  }
  return Object.fromEntries(
    names.filter(name => isUserClaim(name) && hasValue(known[name])).map(name => [name, known[name]]),
  )
}

/** OIDC Core §5.3.2: a claim without a value is left out, not told as null or as an empty text. */
function hasValue(claim: unknown): boolean {
  return claim !== undefined && claim !== null && claim !== ''
}

const signInClaims: ReadonlySet<string> = new Set(['sub', 'acr', 'auth_time', 'amr'])

function isCovered(name: string, clientScopes: readonly string[]): boolean {
  return signInClaims.has(name) || clientScopes.some(scope => claimsOf(scope).includes(name))
}

/** A scope may be called `constructor`, so only what the table itself has counts. */
function claimsOf(scope: string): readonly string[] {
  return Object.hasOwn(claimsByScope, scope) ? (claimsByScope[scope] ?? []) : []
}

function isUserClaim(name: string): boolean {
  return Object.values(claimsByScope).some(names => names.includes(name))
}

function parseClaims(text: string): { readonly [name: string]: unknown } | null {
  if (text.length > claimsCharactersMax) return null
  try {
    const parsed: unknown = JSON.parse(text)
    return isRecord(parsed) ? parsed : null
  } catch {
    // JSON.parse has no other way to say that a text is not JSON.
    return null
  }
}

function isClaimRequests(requests: unknown): requests is object {
  if (!isRecord(requests) || Object.keys(requests).length > claimNamesMax) return false
  return Object.values(requests).every(request => request === null || isRecord(request))
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
