/** Builds the parts of a guard, by hand, in order. */

import { type AskServer, askServer } from './ask-server.ts'
import { ServerUnavailable } from './fault.ts'
import type { GuardSettings } from './guard-options.ts'
import type { KeptDocument } from './kept-document.ts'
import { type IssuerJwts, issuerJwts, tokenCharactersMax } from './keys/issuer-jwt.ts'
import { type IssuerKeys, issuerKeys } from './keys/issuer-keys.ts'
import { followFeed } from './revocation/feed.ts'
import { nothingFollowed } from './revocation/nothing-followed.ts'
import type { RevocationSource } from './revocation/revocation-source.ts'
import { followStatusLists, statusListBytesMax } from './revocation/status-lists.ts'
import { type ServerMetadata, serverMetadata } from './server-metadata.ts'
import { type DpopProofs, dpopProofs } from './tokens/dpop-proofs.ts'
import { type Introspect, introspections } from './tokens/introspection.ts'

export interface GuardParts {
  readonly keys: IssuerKeys
  readonly jwts: IssuerJwts
  readonly proofs: DpopProofs
  readonly revocations: RevocationSource
  /** Null where the server is never asked about a token. */
  readonly introspect: Introspect | null
}

export function guardParts(settings: GuardSettings): GuardParts {
  const { world, issuer, algorithms, credentials, jwksUri, report } = settings
  const metadata = serverMetadata({ world, issuer, report })
  const keysUri = async (): Promise<string> => jwksUri ?? (await metadata.read()).jwksUri
  const keys = issuerKeys({ world, algorithms, jwksUri: keysUri, report })
  const jwts = issuerJwts({ keys, algorithms, charactersMax: tokenCharactersMax })
  const server = credentials === null ? null : askServer({ world, issuer, credentials })
  return {
    keys,
    jwts,
    proofs: dpopProofs(settings.dpopAlgorithms),
    revocations: revocationsOf(settings, { metadata, keys, server }),
    introspect: server === null ? null : introspectionOf(settings, { metadata, keys, server }),
  }
}

interface Ways {
  readonly metadata: KeptDocument<ServerMetadata>
  readonly keys: IssuerKeys
  readonly server: AskServer | null
}

function revocationsOf(settings: GuardSettings, { metadata, keys, server }: Ways): RevocationSource {
  const { world, follow, failClosedAfterSeconds, algorithms, report } = settings
  if (follow === 'status-lists') {
    const jwts = issuerJwts({ keys, algorithms, charactersMax: statusListBytesMax })
    return followStatusLists({ world, jwts, failClosedAfterSeconds, report })
  }
  if (follow === 'nothing' || server === null) return nothingFollowed(world.nowMs)
  const endpoint = () => named(metadata, 'revocationFeedEndpoint')
  return followFeed({ world, server, failClosedAfterSeconds, endpoint, report })
}

function introspectionOf(
  settings: GuardSettings,
  { metadata, keys, server }: Ways & { readonly server: AskServer },
): Introspect | null {
  const { world, issuer, algorithms, introspect, introspectionSeconds, isIntrospectionSigned, credentials } = settings
  if (introspect === 'none' || credentials === null) return null
  const jwts = issuerJwts({ keys, algorithms, charactersMax: statusListBytesMax })
  return introspections({
    world,
    issuer,
    server,
    activeKeptSeconds: introspectionSeconds,
    endpoint: () => named(metadata, 'introspectionEndpoint'),
    signedFor: isIntrospectionSigned ? { clientId: credentials.clientId, jwts } : null,
  })
}

async function named(
  metadata: KeptDocument<ServerMetadata>,
  name: 'introspectionEndpoint' | 'revocationFeedEndpoint',
): Promise<string> {
  const endpoint = (await metadata.read())[name]
  if (endpoint === null) throw new ServerUnavailable(`the server's metadata names no ${name}`)
  return endpoint
}
