/**
 * Every id of the domain is made or parsed here, so that one kind never goes where another belongs. Ids are names, not
 * secrets: they may stand in logs and on pages.
 */

import type { ClientId, FamilyId, GrantId, SessionId, StepId, Subject } from '@pawl/family'
import { isDocumentUrl } from './client/document-url.ts'
import type { Entropy } from './entropy.ts'

/** Names one request in headers, on pages and in the audit log. */
export type RequestId = string & { readonly brand: 'RequestId' }
export type EventId = string & { readonly brand: 'EventId' }

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits. */
export function newFamilyId(nowMs: number, entropy: Entropy): FamilyId {
  return uuidV7(nowMs, entropy) as FamilyId
}

export function newEventId(nowMs: number, entropy: Entropy): EventId {
  return uuidV7(nowMs, entropy) as EventId
}

/** The first family of a grant gives the grant its id; a branch carries the grant's id and has its own. */
export function grantIdOf(familyId: FamilyId): GrantId {
  return familyId as string as GrantId
}

export function newStepId(entropy: Entropy): StepId {
  return base64url(entropy.bytes(16)) as StepId
}

export function newSubject(entropy: Entropy): Subject {
  return base64url(entropy.bytes(16)) as Subject
}

/** The public `sid`. The cookie carries another, secret value. */
export function newSessionId(entropy: Entropy): SessionId {
  return base64url(entropy.bytes(16)) as SessionId
}

/** Short enough to be read out on the telephone, long enough never to repeat within the log: 60 bits. */
export function newRequestId(entropy: Entropy): RequestId {
  let text = 'req_'
  for (const byte of entropy.bytes(12)) text += crockford[byte & 31]
  return text as RequestId
}

export function parseFamilyId(text: string): FamilyId | null {
  return uuidPattern.test(text) ? (text as FamilyId) : null
}

export function parseRequestId(text: string): RequestId | null {
  return /^req_[0-9a-hjkmnp-tv-z]{12}$/.test(text) ? (text as RequestId) : null
}

/**
 * Client ids are chosen by the operator: 1 to 100 characters that need no escaping in any place an id is sent. Or they are
 * URLs, at which clients publish what they are (`isDocumentUrl`).
 */
export function parseClientId(text: string): ClientId | null {
  return /^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$/.test(text) || isDocumentUrl(text) ? (text as ClientId) : null
}

/** For a client that registers itself: 128 random bits, never given twice. */
export function newClientId(entropy: Entropy): ClientId {
  return `dyn_${base64url(entropy.bytes(16))}` as ClientId
}

export function parseSubject(text: string): Subject | null {
  return /^[A-Za-z0-9._~-]{1,255}$/.test(text) ? (text as Subject) : null
}

export function parseSessionId(text: string): SessionId | null {
  return /^[A-Za-z0-9_-]{22}$/.test(text) ? (text as SessionId) : null
}

const crockford = '0123456789abcdefghjkmnpqrstvwxyz'
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function uuidV7(nowMs: number, entropy: Entropy): string {
  const bytes = Buffer.alloc(16)
  bytes.set(entropy.bytes(10), 6)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function base64url(bytes: Uint8Array): string {
  // A copy of 16 bytes is cheaper than a view: a view makes V8 move them out of its heap first.
  return Buffer.from(bytes).toString('base64url')
}
