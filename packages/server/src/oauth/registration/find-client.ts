/**
 * The client that an authorization begins with. One that publishes itself as a document is read there first, and kept as
 * a row like every other: whatever follows, on any node, reads that row and fetches nothing.
 */

import type { ClientId } from '@pawl/family'
import type { Client, ClientReading } from '../../domain/client/client.ts'
import type { ClientDocument } from '../../domain/client/client-documents.ts'
import { hostOfDocument, isDocumentUrl } from '../../domain/client/document-url.ts'
import { namesUsersAlike } from '../../domain/client/sector.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { keptUntilMs } from '../../domain/registration/registration-store.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { clientOfMetadata, publishKeysFor, refuseForeignSector, withOwnWord } from './registered-client.ts'
import { chargeKnownDocument, chargeNewDocument, noteFailedFetch, refuseWhenFull } from './registration-limits.ts'
import { documentPolicy } from './registration-policy.ts'

/**
 * The client as it is registered, or as it publishes itself now. Null where there is none. Throws `invalid_client` for a
 * document that cannot be had or must not be used, and `too_many_requests`.
 */
export async function findClient(
  server: AuthorizationServer,
  clientId: ClientId,
  caller: Caller,
): Promise<Client | null> {
  const reading = await server.store.clients.read(clientId)
  if (!isDocumentUrl(clientId)) return reading?.client ?? null
  const source = reading?.client.source ?? null
  // One that an operator added under such an id is the operator's, and so is the word that it is disabled.
  if (reading !== null && (source?.kind !== 'document' || reading.client.disabled)) return reading.client
  const vouchedBy = voucherFor(server, clientId)
  if (vouchedBy === undefined) return null
  const nowMs = await server.store.now()
  const isFresh = source?.kind === 'document' && nowMs < source.freshUntilMs && source.vouchedBy === vouchedBy
  if (reading !== null && isFresh) return reading.client
  const known = { clientId, reading, vouchedBy, caller, nowMs }
  const document = await fetched(server, known)
  return keep(server, await clientOfDocument(server, document, known), known)
}

interface Known {
  readonly clientId: ClientId
  readonly reading: ClientReading | null
  readonly vouchedBy: string | null
  readonly caller: Caller
  readonly nowMs: number
}

/** The host that the operator named, null where any host will do, undefined where this one will not. */
function voucherFor(server: AuthorizationServer, clientId: ClientId): string | null | undefined {
  const hosts = server.rules.clientDocumentHosts
  const host = hostOfDocument(clientId)
  if (hosts.includes(host)) return host
  return hosts.includes('*') && server.outbound.judge(clientId, 'stranger') === null ? null : undefined
}

async function fetched(server: AuthorizationServer, { clientId, reading, caller }: Known): Promise<ClientDocument> {
  if (reading === null) await chargeNewDocument(server, hostOfDocument(clientId), caller.address)
  else await chargeKnownDocument(server, clientId)
  const document = await server.clientDocuments.fetch(clientId)
  if (!('refusal' in document)) return document
  if (reading === null) await noteFailedFetch(server, caller.address)
  throw unusable(clientId, document.refusal)
}

async function clientOfDocument(server: AuthorizationServer, document: ClientDocument, known: Known): Promise<Client> {
  const { clientId, reading, vouchedBy, nowMs } = known
  const freshUntilMs = nowMs + document.freshSeconds * 1000
  const { metadata } = document
  // What is not said is said: a document can hold no secret, so there is one method it can mean.
  const method = metadata['token_endpoint_auth_method'] ?? 'none'
  try {
    const client = clientOfMetadata(
      { ...metadata, token_endpoint_auth_method: method },
      documentPolicy(server, vouchedBy),
      {
        id: clientId,
        name: hostOfDocument(clientId),
        createdAtMs: reading?.client.createdAtMs ?? nowMs,
        source: { kind: 'document', freshUntilMs, vouchedBy },
      },
    )
    await refuseForeignSector(server, client)
    await publishKeysFor(server, client)
    return client
  } catch (error) {
    if (error instanceof OAuthError) throw unusable(clientId, `The document is refused: ${error.detail}`, error)
    throw error
  }
}

async function keep(server: AuthorizationServer, client: Client, known: Known): Promise<Client> {
  const { reading, caller, nowMs } = known
  const { clients, registrations } = server.store
  const about = { clientId: client.id, caller, atMs: nowMs, detail: { kind: client.kind, came: 'document' } }
  if (reading === null) {
    await refuseWhenFull(server)
    const terms = { tokenName: null, keptUntilMs: keptUntilMs(null, nowMs) }
    const outcome = await registrations.addClient(client, terms, [newEvent('client_added', about, server.entropy)])
    return outcome === 'done' ? client : ((await clients.read(client.id))?.client ?? client)
  }
  const before = reading.client
  const next = { ...withOwnWord(before, client), ...kindOf(before, client), source: client.source }
  const isOther = JSON.stringify(withoutTime(next)) !== JSON.stringify(withoutTime(before))
  const events = isOther ? [newEvent('client_changed', about, server.entropy)] : []
  // Families were opened by who it was, and name users as it knew them: whoever it is now gets none of them.
  const cutsOff = next.kind !== before.kind || !namesUsersAlike(before, next)
  const outcome = await clients.change(next, reading.version, cutsOff, events)
  return outcome === 'done' ? next : ((await clients.read(client.id))?.client ?? next)
}

/** Becoming another kind of client is no way to shed what an operator tightened. */
function kindOf(before: Client, client: Client): Partial<Client> {
  if (client.kind === before.kind) return {}
  return {
    kind: client.kind,
    accessTokenSeconds: Math.min(before.accessTokenSeconds, client.accessTokenSeconds),
    idleSeconds: Math.min(before.idleSeconds, client.idleSeconds),
    absoluteSeconds: Math.min(before.absoluteSeconds, client.absoluteSeconds),
  }
}

function withoutTime(client: Client): object {
  return { ...client, source: client.source?.vouchedBy }
}

function unusable(clientId: ClientId, detail: string, cause?: OAuthError): OAuthError {
  return new OAuthError('invalid_client', detail, {
    status: 400,
    description: 'What the application publishes about itself cannot be used.',
    context: { clientId },
    ...(cause !== undefined && { cause }),
  })
}
