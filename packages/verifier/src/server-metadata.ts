/** What the authorization server publishes of itself (RFC 8414), as far as an API needs it. */

import { fetchObject, isSafeUrl } from './bounded-fetch.ts'
import { ServerUnavailable } from './fault.ts'
import { type KeptDocument, keptDocument } from './kept-document.ts'
import { condition, type Report } from './report.ts'
import type { World } from './world.ts'

export const metadataBytesMax = 262_144
/** So long the addresses of the server are taken as they are. */
export const metadataFreshSeconds = 600
/** So long they are believed while the server cannot be reached. */
export const metadataStaleSecondsMax = 86_400

export interface ServerMetadata {
  readonly jwksUri: string
  readonly introspectionEndpoint: string | null
  readonly revocationFeedEndpoint: string | null
}

export interface ServerMetadataParts {
  readonly world: World
  readonly issuer: string
  readonly report: Report
}

/** The name the feed's address has in the metadata. */
export const revocationFeedMember = 'pawl_revocation_feed_endpoint'

export function serverMetadata({ world, issuer, report }: ServerMetadataParts): KeptDocument<ServerMetadata> {
  const rules = {
    freshSeconds: metadataFreshSeconds,
    staleSecondsMax: metadataStaleSecondsMax,
    pauseSeconds: metadataFreshSeconds,
  }
  const load = async (): Promise<ServerMetadata> => {
    const url = metadataUrl(issuer)
    const document = await fetchObject(world, { url, accept: 'application/json', bytesMax: metadataBytesMax })
    // RFC 8414 §3.3: whose document it is must be whom we asked about.
    if (document['issuer'] !== issuer) throw new ServerUnavailable(`${url} speaks of another issuer`)
    const jwksUri = urlIn(document, 'jwks_uri')
    if (jwksUri === null) throw new ServerUnavailable(`${url} has no safe jwks_uri`)
    return {
      jwksUri,
      introspectionEndpoint: urlIn(document, 'introspection_endpoint'),
      revocationFeedEndpoint: urlIn(document, revocationFeedMember),
    }
  }
  return keptDocument({ world, rules, load, condition: condition('metadata', report) })
}

/** RFC 8414 §3.1: between the host and the path of the issuer. */
export function metadataUrl(issuer: string): string {
  return wellKnownUrl(issuer, 'oauth-authorization-server')
}

/** The address of a well-known document about a URL: between its host and its path. */
export function wellKnownUrl(of: string, name: string): string {
  const { origin, pathname } = new URL(of)
  return `${origin}/.well-known/${name}${pathname === '/' ? '' : pathname}`
}

function urlIn(document: { readonly [name: string]: unknown }, name: string): string | null {
  const url = document[name]
  return typeof url === 'string' && isSafeUrl(url) ? url : null
}
