/** A client out of the metadata it sent: built from its kind like every other, and judged by the same rules. */

import type { ClientId } from '@pawl/family'
import { grantsOf } from '../../admin/client-grants.ts'
import { clientOfKind } from '../../admin/client-input.ts'
import { clientJson } from '../../admin/client-json.ts'
import { judgeClient } from '../../admin/client-rules.ts'
import { secretsFor } from '../../admin/client-secret.ts'
import { certificateNameTypes, type Client, deviceCodeGrantType } from '../../domain/client/client.ts'
import { algorithmsOf } from '../../domain/client/client-algorithms.ts'
import { judgeSectorList } from '../../domain/client/sector.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { encryptedMembers, type MetadataPolicy, plainMembers, readMetadata, wrong } from './client-metadata.ts'

/**
 * What a client decides about itself. Everything else of a `Client` is the operator's, and no registration changes it:
 * lifetimes, the repeat window, the format of access tokens, exchange, audiences, resources, types of authorization
 * details, the partner, levels of authentication, and whether it is disabled.
 */
const ownFields = [
  'name',
  'authMethod',
  'authAlgorithm',
  'jwks',
  'jwksUri',
  'certificateName',
  'redirectUris',
  'postLogoutRedirectUris',
  'scopes',
  'about',
  'logout',
  'dpopBoundAccessTokens',
  'tlsClientCertificateBoundAccessTokens',
  'idTokenAlgorithm',
] as const satisfies readonly (keyof Client)[]

export interface NewRegistration {
  readonly id: ClientId
  readonly createdAtMs: number
  readonly source: Client['source']
  /** What people read where the client says no name of its own. */
  readonly name?: string
  readonly partner?: string | null
}

/** Without a secret yet. Throws as `readMetadata` does. */
export function clientOfMetadata(metadata: JsonObject, policy: MetadataPolicy, about: NewRegistration): Client {
  const { kind, changes } = readMetadata(metadata, policy)
  const named = about.name === undefined ? {} : { name: about.name }
  const built = clientOfKind(about.id, { ...named, ...changes, id: about.id, kind }, about.createdAtMs)
  const client = { ...built, source: about.source, partner: about.partner ?? null }
  refuseWrong(client)
  return client
}

/** The client with what it now says of itself. Its kind stays: families were opened, and defaults chosen, by it. */
export function clientOfUpdate(client: Client, metadata: JsonObject, policy: MetadataPolicy): Client {
  const { kind, changes } = readMetadata(metadata, { ...policy, kinds: [client.kind] })
  const updated = withOwnWord(client, clientOfKind(client.id, { ...changes, id: client.id, kind }, client.createdAtMs))
  refuseWrong(updated)
  return updated
}

/** What the client says of itself out of `built`, and everything an operator said of it as it was. */
export function withOwnWord(client: Client, built: Client): Client {
  const own = Object.fromEntries(ownFields.map(field => [field, built[field]]))
  return {
    ...client,
    ...own,
    secretHashes: secretsFor(built.authMethod, client.secretHashes),
    ...grantsOf({ ...built, exchange: client.exchange }, {}),
    requests: { ...built.requests, authorizationDetailsTypes: client.requests.authorizationDetailsTypes },
    tokens: { ...built.tokens, accessTokenFormat: client.tokens.accessTokenFormat },
    // It may come to need PKCE, and never comes to do without.
    pkce: built.pkce === 'always' ? 'always' : client.pkce,
  }
}

/** The registration as RFC 7591 §3.2.1 answers it: the members a client may send, as they now stand. */
export function registrationJson(client: Client): JsonObject {
  const all = clientJson(client)
  return Object.fromEntries(toldMembers.flatMap(member => (member in all ? [[member, all[member]]] : [])))
}

const toldMembers = [
  'client_id',
  'client_id_issued_at',
  'application_type',
  'grant_types',
  'response_types',
  'scope',
  'authorization_details_types',
  ...Object.keys(plainMembers),
  ...Object.keys(encryptedMembers).flatMap(what => [
    `${what}_encrypted_response_alg`,
    `${what}_encrypted_response_enc`,
  ]),
  ...certificateNameTypes.map(type => `tls_client_auth_${type}`),
]

/** The sentences of the rules are for operators, with flags in them; a client is told that there is something. */
function refuseWrong(client: Client): void {
  const [sentence] = judgeClient(client)
  if (sentence === undefined) return
  const description = 'The metadata does not make a client that may be registered.'
  throw new OAuthError('invalid_client_metadata', sentence, { description })
}

/**
 * OIDC Registration §5: a list of redirect URIs elsewhere is looked at before anybody gets a subject by it. A client that
 * gets tokens without any redirect URI could name the sector of somebody else, and learn how they know a user.
 */
export async function refuseForeignSector(server: AuthorizationServer, client: Client): Promise<void> {
  if (client.tokens.subjectType === 'pairwise' && client.grantTypes.includes(deviceCodeGrantType)) {
    throw wrong('subject_type pairwise does not go with the grant of devices: nothing proves the sector there.')
  }
  if ((await judgeSectorList(server.outbound, client)) === null) return
  throw wrong('sector_identifier_uri leads to no list of all redirect URIs.')
}

/**
 * Sees to it that a key is published for everything that is signed for the client. To be called before it is kept: whoever
 * registers learns at once whether that is possible, and the time in which a new key only waits begins now.
 */
export async function publishKeysFor({ store, signingKeys }: AuthorizationServer, client: Client): Promise<void> {
  const nowMs = await store.now()
  for (const algorithm of new Set(algorithmsOf(client))) await signingKeys.publishFirst(algorithm, nowMs)
}
