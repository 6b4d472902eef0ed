/** When a person is asked, and what is remembered of the answer. The question itself is a page; the grant is a family. */

import type { Subject } from '@pawl/family'
import { type Client, isPublicClient } from '../client/client.ts'
import type { Entropy } from '../entropy.ts'
import { type Caller, newEvent } from '../event/new-event.ts'
import type { Consent, ConsentStore } from './consent.ts'

export interface ConsentQuestion {
  readonly client: Client
  /** The redirect URI of this request, checked against the registration. */
  readonly redirectUri: string
  readonly subject: Subject
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** Authorization details were asked for (RFC 9396): each time is a new question. */
  readonly hasDetails: boolean
  /** `prompt=consent` was sent. */
  readonly promptConsent: boolean
  readonly remembered: Consent | null
}

/**
 * True where the person must be asked. `prompt=consent` always asks. A first-party client is not asked about, where its
 * identity is certain. A public client is asked about every time: anybody can pretend to be it (RFC 8252 §8.6). So is one
 * that publishes itself: it may say something else tomorrow. A confidential one is asked about until this person has
 * allowed it each scope, `offline_access` among them (OIDC Core §11), and for each resource that the operator did not
 * register for it. What is asked for in detail is never remembered: one payment allowed is not the next.
 */
export function needsConsent(question: ConsentQuestion): boolean {
  const { client, remembered } = question
  if (question.promptConsent || client.source?.kind === 'document') return true
  if (client.firstParty && isCertain(client, question.redirectUri)) return false
  if (isPublicClient(client) || question.hasDetails) return true
  if (remembered === null || remembered.subject !== question.subject || remembered.clientId !== client.id) return true
  if (question.resources.some(resource => !client.resources.includes(resource))) return true
  return question.scopes.some(scope => !remembered.scopes.includes(scope))
}

/** A secret proves which application it is; so does an https redirect, which only its owner receives. */
function isCertain(client: Client, redirectUri: string): boolean {
  return !isPublicClient(client) || redirectUri.startsWith('https://')
}

export interface ConsentMeans {
  readonly consents: ConsentStore
  readonly entropy: Entropy
}

/** Adds to what this person allowed this client before. */
export async function rememberConsent(means: ConsentMeans, given: Consent, caller: Caller): Promise<void> {
  const detail = { scopes: given.scopes.join(' ').slice(0, scopeCharactersLoggedMax) }
  const about = { clientId: given.clientId, subject: given.subject, caller, atMs: given.givenAtMs, detail }
  await means.consents.save(given, [newEvent('consent_given', about, means.entropy)])
}

/** An event holds at most `detailBytesMax`; scopes are ASCII, so characters are bytes. */
const scopeCharactersLoggedMax = 1024
