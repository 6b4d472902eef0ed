/**
 * The documents in which clients say what they are, at the URL that is their id (Client ID Metadata Document). Fetched
 * like everything of strangers: small, soon, without redirects; what is wrong is not kept, so that it can be put right.
 */

import type { ClientId } from '@pawl/family'
import { isOutboundError, type Outbound, type OutboundAnswer } from '../outbound/outbound.ts'
import { type JsonObject, parseJsonObject } from '../strict-json.ts'

/** What the draft recommends (§8.7). */
export const documentBytesMax = 5_120
export const documentSecondsMax = 3
/** At once in this process: strangers ask for them, and must leave room for the requests of others. */
export const documentsUnderWayMax = 16
/** However short or long the publisher says (RFC 9111 §5.2.2.1): nobody makes us fetch all the time, or never again. */
export const documentFreshSecondsMin = 300
export const documentFreshSecondsMax = 86_400
export const documentFreshSecondsDefault = 3_600

export interface ClientDocument {
  readonly metadata: JsonObject
  /** How long it may be used without asking again. */
  readonly freshSeconds: number
}

/** `refusal` is a sentence for our log: what could not be had, or why it must not be used. */
export type DocumentReading = ClientDocument | { readonly refusal: string }

export interface ClientDocuments {
  /** The document as it is published now. Whoever asks while it is being fetched waits for the same answer. */
  readonly fetch: (id: ClientId) => Promise<DocumentReading>
}

export function clientDocuments(outbound: Outbound): ClientDocuments {
  const underWay = new Map<ClientId, Promise<DocumentReading>>()
  return {
    fetch: id => {
      const running = underWay.get(id)
      if (running !== undefined) return running
      if (underWay.size >= documentsUnderWayMax)
        return Promise.resolve({ refusal: 'Too many documents are under way.' })
      const started = fetchDocument(outbound, id).finally(() => underWay.delete(id))
      underWay.set(id, started)
      return started
    },
  }
}

const accept = ['application/json', '+json']

async function fetchDocument(outbound: Outbound, id: ClientId): Promise<DocumentReading> {
  const request = {
    url: id,
    method: 'GET',
    bytesMax: documentBytesMax,
    secondsMax: documentSecondsMax,
    forStranger: true,
    accept,
  } as const
  try {
    return readDocument(id, await outbound.send(request))
  } catch (error) {
    // What the other side does is no fault of ours: the client stays unknown, and that is the whole effect.
    if (isOutboundError(error)) return { refusal: `The document could not be fetched: ${error.message}.` }
    throw error
  }
}

function readDocument(id: ClientId, { status, headers, body }: OutboundAnswer): DocumentReading {
  if (status !== 200) return { refusal: `The document was answered with status ${status}.` }
  const text = textOf(body)
  if (text === null) return { refusal: 'The document is not UTF-8.' }
  const parsed = parseJsonObject(text)
  if ('refusal' in parsed) return { refusal: `The document is refused: ${parsed.refusal}.` }
  const metadata = parsed.object
  // Character by character (§4): a document that names another id may be somebody else's.
  if (metadata['client_id'] !== id) return { refusal: 'The document names another client_id than its own URL.' }
  if ('client_secret' in metadata || 'client_secret_expires_at' in metadata) {
    return { refusal: 'The document holds a client secret, which everybody can read.' }
  }
  return { metadata, freshSeconds: freshSecondsOf(headers) }
}

function textOf(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    // The decoder has no other way to say so, and the caller answers for it.
    return null
  }
}

function freshSecondsOf(headers: OutboundAnswer['headers']): number {
  const directives = (headers['cache-control'] ?? '')
    .toLowerCase()
    .split(',')
    .map(part => part.trim())
  if (directives.includes('no-store') || directives.includes('no-cache')) return documentFreshSecondsMin
  const age = directives.map(part => /^max-age="?(\d{1,10})"?$/.exec(part)?.[1]).find(seconds => seconds !== undefined)
  if (age === undefined) return documentFreshSecondsDefault
  const spent = /^\d{1,10}$/.test(headers['age'] ?? '') ? Number(headers['age']) : 0
  return Math.min(documentFreshSecondsMax, Math.max(documentFreshSecondsMin, Number(age) - spent))
}
