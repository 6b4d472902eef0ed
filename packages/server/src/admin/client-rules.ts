/**
 * What may be registered. Pure: the same client always gets the same sentences, whether it is being added or changed, and
 * no order of changes leads to a client that could not have been added.
 */

import { isResourceIndicator, judgeRedirectUri, parseScope } from '@pawl/protocol'
import { type Client, isPublicClient } from '../domain/client/client.ts'
import { judgeAbout } from './client-about.ts'
import { judgeAuthentication } from './client-authentication-rules.ts'
import { judgeGrants } from './client-grants.ts'
import { judgeProfile } from './client-profile-rules.ts'
import { judgeSenderConstraint } from './client-sender-rules.ts'
import { judgeLogout } from './client-logout.ts'
import { judgeRequests } from './client-requests.ts'
import { judgeTokens } from './client-tokens.ts'

export const accessSecondsMin = 1
export const accessSecondsMax = 3600
/** A year. The store keeps cut-offs for longer than this, so that no family outlives the one that ended it. */
export const lifetimeSecondsMax = 366 * 86_400
export const repeatSecondsMax = 3600
export const redirectUrisMax = 64
export const scopesMax = 100
export const audiencesMax = 16
export const nameCharactersMax = 200
export const partnerPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** One sentence for each thing that is wrong; empty when the client may be stored. */
export function judgeClient(client: Client): string[] {
  return [
    ...judgeKind(client),
    ...judgeAuthentication(client),
    ...judgeRedirects(client),
    ...judgeGrants(client),
    ...judgeSenderConstraint(client),
    ...judgeProfile(client),
    ...judgeLifetimes(client),
    ...judgeNames(client),
    ...judgeRequests(client),
    ...judgeTokens(client),
    ...judgeLogout(client),
    ...judgeAbout(client),
  ]
}

function judgeKind(client: Client): string[] {
  const { pkce } = client
  const wrong: string[] = []
  if (pkce !== 'always' && (isPublicClient(client) || !client.scopes.includes('openid'))) {
    wrong.push(
      'Only a confidential OpenID Connect client may send a nonce instead of PKCE, or neither (RFC 9700 §2.1.1).',
    )
  }
  return wrong
}

function judgeRedirects(client: Client): string[] {
  const { kind, redirectUris, postLogoutRedirectUris } = client
  const all = [...redirectUris, ...postLogoutRedirectUris]
  if (all.length > redirectUrisMax) return [`A client has at most ${redirectUrisMax} redirect URIs.`]
  const usesCode = client.grantTypes.includes('authorization_code')
  if (usesCode && redirectUris.length === 0) return [`A client of kind ${kind} needs at least one --redirect URI.`]
  if (!usesCode && all.length > 0)
    return [`A client of kind ${kind} sends nobody to a page: leave the redirect URIs out.`]
  return all.flatMap(uri => {
    const refusal = judgeRedirectUri(uri, kind)
    return refusal === null ? [] : [`The redirect URI ${uri} is refused: ${refusal}.`]
  })
}

function judgeLifetimes(client: Client): string[] {
  const { accessTokenSeconds, idleSeconds, absoluteSeconds, repeatWindowSeconds } = client
  const wrong = [
    judgeRange('--access-seconds', accessTokenSeconds, accessSecondsMin, accessSecondsMax),
    judgeRange('--idle-seconds', idleSeconds, 1, lifetimeSecondsMax),
    judgeRange('--absolute-seconds', absoluteSeconds, 1, lifetimeSecondsMax),
    judgeRange('--repeat-seconds', repeatWindowSeconds, 0, repeatSecondsMax),
  ].filter(sentence => sentence !== null)
  const { maxAuthAgeSeconds } = client
  if (maxAuthAgeSeconds !== null) {
    const fault = judgeRange('--max-auth-age-seconds', maxAuthAgeSeconds, 1, lifetimeSecondsMax)
    if (fault !== null) wrong.push(fault)
  }
  if (idleSeconds > absoluteSeconds) {
    wrong.push(
      `--idle-seconds ${idleSeconds} is longer than --absolute-seconds ${absoluteSeconds}: it could never be reached.`,
    )
  }
  return wrong
}

function judgeRange(flag: string, value: number, min: number, max: number): string | null {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return null
  return `${flag} is a whole number of seconds from ${min} to ${max}.`
}

function judgeNames(client: Client): string[] {
  const { name, scopes, resources, audiences, partner } = client
  const wrong: string[] = []
  if (!/^\P{Cc}+$/u.test(name) || name.length > nameCharactersMax) {
    wrong.push(`A client's name has 1 to ${nameCharactersMax} characters and no control character.`)
  }
  if (scopes.length > scopesMax) wrong.push(`A client has at most ${scopesMax} scopes.`)
  for (const scope of scopes) {
    if (parseScope(scope)?.length !== 1) wrong.push(`${quoted(scope)} is not a scope (RFC 6749 §3.3).`)
  }
  if (resources.length + audiences.length > audiencesMax) {
    wrong.push(`A client has at most ${audiencesMax} resources and audiences.`)
  }
  for (const resource of resources) {
    if (!isResourceIndicator(resource)) wrong.push(`${quoted(resource)} is not a resource indicator (RFC 8707 §2).`)
  }
  for (const audience of audiences) {
    if (!/^[!-~]{1,1024}$/.test(audience))
      wrong.push(`${quoted(audience)} is not an audience: 1 to 1024 visible characters.`)
  }
  if (partner !== null && !partnerPattern.test(partner)) {
    wrong.push('A partner is 1 to 100 letters, digits, dots, dashes and underscores.')
  }
  return wrong
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
