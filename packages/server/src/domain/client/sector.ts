/**
 * The sector of a client (OIDC Core §8.1): clients of one sector know a user under one pairwise name. It is the host of
 * all redirect URIs of the client, or the host that publishes a list which names them all.
 */

import { isOutboundError, type Outbound } from '../outbound/outbound.ts'
import type { Client } from './client.ts'
import { isVouchedFor } from './client-source.ts'

type SectorClient = Pick<Client, 'redirectUris' | 'tokens'>

export const sectorListBytesMax = 65_536
export const sectorSecondsMax = 3

/** A sentence where the client has no sector as it is registered, or null. */
export function judgeSector({ redirectUris, tokens }: SectorClient): string | null {
  const { sectorIdentifierUri } = tokens
  if (sectorIdentifierUri !== null) {
    return URL.canParse(sectorIdentifierUri) && new URL(sectorIdentifierUri).protocol === 'https:'
      ? null
      : 'A sector identifier is an https URL (OIDC Registration §5).'
  }
  const hosts = new Set(redirectUris.map(hostOf))
  if (hosts.size === 1 && !hosts.has('')) return null
  return 'Pairwise subjects need redirect URIs of one host, or a --sector-identifier that lists them (OIDC Core §8.1).'
}

/** The host that stands for the sector. Only for a client that `judgeSector` found nothing wrong with. */
export function sectorOf({ redirectUris, tokens }: SectorClient): string {
  return hostOf(tokens.sectorIdentifierUri ?? redirectUris[0] ?? '')
}

/**
 * True where users go by the same names for both. A client that moves to another sector would know those it has by names of
 * that sector, although nobody there has let it in: OIDC Core §12.2 wants the `sub` of a sign-in to stay.
 */
export function namesUsersAlike(one: SectorClient, other: SectorClient): boolean {
  if (one.tokens.subjectType !== other.tokens.subjectType) return false
  return one.tokens.subjectType === 'public' || sectorOf(one) === sectorOf(other)
}

/**
 * A sentence where the list that the client names does not vouch for its redirect URIs, or cannot be had; null where it
 * does, or where none is named (OIDC Registration §5). Asked when a client is registered or changed.
 */
export async function judgeSectorList(
  outbound: Outbound,
  { redirectUris, tokens, source }: SectorClient & Pick<Client, 'source'>,
): Promise<string | null> {
  const { sectorIdentifierUri: url, subjectType } = tokens
  if (subjectType !== 'pairwise' || url === null) return null
  const listed = await fetchList(outbound, url, !isVouchedFor({ source }))
  if (typeof listed === 'string') return listed
  const missing = redirectUris.find(uri => !listed.includes(uri))
  return missing === undefined ? null : `The sector identifier does not list ${missing}.`
}

async function fetchList(outbound: Outbound, url: string, forStranger: boolean): Promise<readonly unknown[] | string> {
  const limits = { bytesMax: sectorListBytesMax, secondsMax: sectorSecondsMax, accept: ['application/json'] }
  try {
    const answer = await outbound.send({ url, method: 'GET', ...limits, forStranger })
    const listed = answer.status === 200 ? jsonOf(answer.body) : null
    return Array.isArray(listed) ? listed : 'The sector identifier answers no JSON array of redirect URIs.'
  } catch (error) {
    // What the other side does is no fault of ours: the client is not registered, and that is the whole effect.
    if (isOutboundError(error)) return `The sector identifier could not be fetched: ${error.message}`
    throw error
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    // Text that is no JSON is no list; what exactly is wrong with it helps nobody.
    return null
  }
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname : ''
}
